;; Two functions with debugging information: line 7, column 3 of divide.c, and line 9 for the second.
(module $lines
  (memory (export "memory") 1)
  (func $divide (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "_start")
    (drop (call $divide (i32.const 5)))
    (drop (call $divide (i32.const 5))))
  (@custom ".debug_abbrev"
    "\01\11\01\03\08\10\17\11\01\12\06\00\00\02\2e\00\03\08\11\01\12\06\00\00\00")
  (@custom ".debug_info"
    "\2e\00\00\00\04\00\00\00\00\00\04\01\64\69\76\69\64\65\2e\63\00\00\00\00\00\00\00\00"
    "\00\28\00\00\00\02\64\69\76\69\64\65\00\00\00\00\00\28\00\00\00\00")
  (@custom ".debug_line"
    "\3c\00\00\00\04\00\20\00\00\00\01\01\01\fb\0e\0d\00\01\01\01\01\00\00\00\01\00\00\01"
    "\00\64\69\76\69\64\65\2e\63\00\00\00\00\00\00\05\02\00\00\00\00\03\06\05\03\01"
    "\02\0a\03\02\01\02\1e\00\01\01"))
