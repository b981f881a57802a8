;; The functions of wasm-bindgen's JavaScript that resvg imports, for a program that renders a text.
;; Objects of JavaScript are numbers: 1 the text, 2 all others. A function that needs resvg's memory
;; is the program's own, which puts it into the table (this module is instantiated before resvg is).
(module
  (type $string_get (func (param i32 i32)))
  (type $take (func (param i32 i32)))
  (table (export "late") 2 funcref)
  (global $at (mut i32) (i32.const 0))        ;; of the last array of bytes
  (global $bytes (mut i32) (i32.const 0))
  (func (export "__wbindgen_string_get") (param $result i32) (param $object i32)
    (call_indirect (type $string_get) (local.get $result) (local.get $object) (i32.const 0)))
  (func (export "__wbg_newwithbyteoffsetandlength_aa4a17c33a06e5cb")
    (param $buffer i32) (param $at i32) (param $bytes i32) (result i32)
    (global.set $at (local.get $at))
    (global.set $bytes (local.get $bytes))
    (i32.const 2))
  ;; A copy of these bytes: the result of rendering.
  (func (export "__wbg_new_63b92bc8671ed464") (param i32) (result i32)
    (call_indirect (type $take) (global.get $at) (global.get $bytes) (i32.const 1))
    (i32.const 2))
  (func (export "__wbindgen_memory") (result i32) (i32.const 2))
  (func (export "__wbg_buffer_12d079cc21e14bdb") (param i32) (result i32) (i32.const 2))
  (func (export "__wbindgen_object_drop_ref") (param i32))
  (func (export "__wbg_instanceof_Uint8Array_2b3bbecd033d19f6") (param i32) (result i32)
    (i32.const 0))
  (func (export "__wbg_new_16b304a2cfa7ff4a") (result i32) (i32.const 2))
  (func (export "__wbindgen_string_new") (param i32 i32) (result i32) (i32.const 2))
  (func (export "__wbg_push_a5b05aedc7234f9f") (param i32 i32) (result i32) (i32.const 1))
  ;; Errors, fonts and arrays: there are none.
  (func (export "__wbg_new_28c511d9baebfa89") (param i32 i32) (result i32) (unreachable))
  (func (export "__wbg_values_839f3396d5aac002") (param i32) (result i32) (unreachable))
  (func (export "__wbg_next_196c84450b364254") (param i32) (result i32) (unreachable))
  (func (export "__wbg_done_298b57d23c0fc80c") (param i32) (result i32) (unreachable))
  (func (export "__wbg_value_d93c65011f51a456") (param i32) (result i32) (unreachable))
  (func (export "__wbg_length_c20a40f15020d68a") (param i32) (result i32) (unreachable))
  (func (export "__wbg_set_a47bac70306a19a7") (param i32 i32 i32) (unreachable))
  (func (export "__wbindgen_throw") (param i32 i32) (unreachable)))
