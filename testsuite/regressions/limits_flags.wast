;;! threads = false
;;! custom_page_sizes = false
;; The flags of limits are 0, 1, 4 and 5 in WebAssembly 3.0: bits of later proposals are malformed in a binary module.
;; Text with them is a module of a later version, and not valid here.

(module binary "\00asm" "\01\00\00\00" "\05\03\01\00\01")
(module binary "\00asm" "\01\00\00\00" "\05\04\01\05\01\01")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\03\01\02\01") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\03\01\01") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\07\01\01") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\08\01\00") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\05\01\09\01\01\00") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\03\01\10\01") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\05\01\70\03\01\01") "malformed limits flags")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\04\01\70\02\01") "malformed limits flags")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\02\09\01\01m\01a\02\03\01\01") "malformed limits flags")
(assert_invalid (module (memory 1 1 shared)) "shared memories")
(assert_invalid (module (memory 1 (pagesize 1))) "custom page sizes")
(assert_invalid (module (memory (import "m" "a") 1 1 shared)) "shared memories")
(assert_invalid (module (func (atomic.fence))) "threads")
