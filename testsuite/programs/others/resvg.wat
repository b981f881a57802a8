;; Renders the SVG of standard input, and prints the PNG: a program around the library resvg-wasm,
;; so that it runs without JavaScript.
;;   wassay run --preload wbg=wbg.wat --preload resvg=index_bg.wasm resvg.wat < rects.svg
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wbg" "late" (table 2 funcref))
  (import "resvg" "memory" (memory 1))
  (import "resvg" "__wbindgen_malloc" (func $malloc (param i32 i32) (result i32)))
  (import "resvg" "resvg_new" (func $new (param i32 i32 i32 i32 i32)))
  (import "resvg" "resvg_render" (func $render (param i32 i32)))
  (import "resvg" "renderedimage_asPng" (func $as_png (param i32 i32)))
  (export "memory" (memory 0))
  (elem (i32.const 0) func $string_get $print)
  (global $room (mut i32) (i32.const 0))      ;; a vector, a number of bytes, a result
  (global $input (mut i32) (i32.const 0))
  (global $used (mut i32) (i32.const 0))
  (global $input_bytes i32 (i32.const 65536))

  ;; The text is given away: resvg frees it.
  (func $string_get (param $result i32) (param $object i32)
    (i32.store (local.get $result) (global.get $input))
    (i32.store offset=4 (local.get $result) (global.get $used)))

  (func $print (param $at i32) (param $bytes i32)
    (i32.store (global.get $room) (local.get $at))
    (i32.store offset=4 (global.get $room) (local.get $bytes))
    (drop (call $fd_write (i32.const 1) (global.get $room) (i32.const 1)
      (i32.add (global.get $room) (i32.const 8)))))

  (func $read
    (loop $next
      (i32.store (global.get $room) (i32.add (global.get $input) (global.get $used)))
      (i32.store offset=4 (global.get $room) (i32.sub (global.get $input_bytes) (global.get $used)))
      (if (call $fd_read (i32.const 0) (global.get $room) (i32.const 1)
            (i32.add (global.get $room) (i32.const 8)))
        (then (call $exit (i32.const 1))))
      (global.set $used (i32.add (global.get $used) (i32.load offset=8 (global.get $room))))
      (br_if $next (i32.load offset=8 (global.get $room)))))

  ;; The result of a call that writes it, an object for its error and a flag.
  (func $result (result i32)
    (if (i32.load offset=24 (global.get $room)) (then (call $exit (i32.const 1))))
    (i32.load offset=16 (global.get $room)))

  (func (export "_start") (local $result i32)
    (global.set $room (call $malloc (i32.const 32) (i32.const 8)))
    (global.set $input (call $malloc (global.get $input_bytes) (i32.const 1)))
    (local.set $result (i32.add (global.get $room) (i32.const 16)))
    (call $read)
    (call $new (local.get $result) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $render (local.get $result) (call $result))
    (i32.store offset=24 (global.get $room) (i32.const 0))
    (call $as_png (local.get $result) (call $result))
    (drop (call $result))))
