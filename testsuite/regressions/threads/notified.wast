;; A thread that waits without a time limit is woken by a notification, which counts it.

(module $Mem (memory (export "shared") 1 1 shared))

(thread $Waiter (shared (module $Mem))
  (register "mem" $Mem)
  (module
    (memory (import "mem" "shared") 1 1 shared)
    (func (export "wait32") (result i32)
      (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const -1)))
    (func (export "wait64") (result i32)
      (memory.atomic.wait64 offset=16 (i32.const 16) (i64.const 0) (i64.const -1))))
  (assert_return (invoke "wait32") (i32.const 0))
  (assert_return (invoke "wait64") (i32.const 0))
)

(thread $Notifier (shared (module $Mem))
  (register "mem" $Mem)
  (module
    (memory (import "mem" "shared") 1 1 shared)
    ;; Until somebody waits there: the number of those that are woken.
    (func (export "notify") (param i32 i32) (result i32) (local i32)
      (loop $again
        (br_if $again
          (i32.eqz (local.tee 2 (memory.atomic.notify (local.get 0) (local.get 1))))))
      (local.get 2)))
  (assert_return (invoke "notify" (i32.const 16) (i32.const 1)) (i32.const 1))
  (assert_return (invoke "notify" (i32.const 32) (i32.const -1)) (i32.const 1))
)

(wait $Waiter)
(wait $Notifier)
