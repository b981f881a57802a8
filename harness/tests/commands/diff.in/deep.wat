;; Calls itself without end.
(module
  (memory (export "memory") 1)
  (func $deep (export "_start") (call $deep)))
