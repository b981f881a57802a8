;;! compact_imports = false
;; Groups of imports are malformed where the proposal is left out: their first byte is no kind of import.

(module (import "spectest" "print" (func)))
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\02\0b\01\01M\00\7f\01\03one\00\00")
  "malformed import kind")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\02\0b\01\01M\00\7e\00\00\01\03one")
  "malformed import kind")
