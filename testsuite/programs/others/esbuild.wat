;; Runs esbuild's `main` without JavaScript: the few objects of Node.js that Go's runtime asks for,
;; over WASI.
;;   wassay run --preload gojs=gojs.wat --preload esbuild=esbuild.wasm esbuild.wat -- \
;;     --loader=ts < shop.ts
;;
;; Go's wasm_exec.js is the model: a function finds its arguments above Go's stack pointer, and a
;; value is a float, or a NaN with the number of an object in its low half and its kind in its high
;; half. Go leaves the first 4096 bytes of its memory alone; they have names, strings and what is
;; read here.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "gojs" "functions" (table 21 funcref))
  (import "esbuild" "mem" (memory 1))
  (import "esbuild" "run" (func $run (param i32 i32)))
  (import "esbuild" "resume" (func $resume))
  (export "memory" (memory 0))

  (elem (i32.const 0) func $wasmExit $wasmWrite $nothing $nanotime1 $walltime $scheduleTimeoutEvent
    $clearTimeoutEvent $getRandomData $nothing $stringVal $valueGet $nothing $valueIndex $nothing
    $valueCall $valueNew $valueLength $valuePrepareString $valueLoadString
    $copyBytesToGo $copyBytesToJS)

  ;; Strings, by place and length: 32 ENOSYS, 40 /. A list of one vector and a number of bytes is at
  ;; 0.
  (data (i32.const 32) "ENOSYS")
  (data (i32.const 40) "/")
  ;; Properties: length, name, kind (0 number, 1 object, 5 computed) and value. Objects: 16 any
  ;; other, 17 the event, 18 its arguments, 19 bytes, 20 an error, 21 ENOSYS, 22 /, 1000 and above
  ;; callbacks.
  (data (i32.const 256)
    "\06Object\01\10" "\05Array\01\10" "\0aUint8Array\01\10" "\07process\01\10" "\02fs\01\10"
    "\04path\01\10" "\09constants\01\10" "\08O_WRONLY\00\01" "\06O_RDWR\00\02"
    "\07O_CREAT\00\04" "\07O_TRUNC\00\08"
    "\08O_APPEND\00\10" "\06O_EXCL\00\20" "\0bO_DIRECTORY\00\40" "\04code\02\15" "\04args\01\12"
    "\0d_pendingEvent\05\00" "\02id\05\01" "\00")
  ;; Methods: 1 has a callback made, 2 writes, 3 reads, 4 names the directory.
  (data (i32.const 768)
    "\10_makeFuncWrapper\00\01" "\05write\00\02" "\04read\00\03" "\03cwd\00\04" "\00")

  (global $bytes_at (mut i32) (i32.const 0))       ;; what was last copied to a list of bytes
  (global $buffer i32 (i32.const 2048))            ;; what was last read
  (global $buffer_bytes i32 (i32.const 2048))
  (global $event (mut i32) (i32.const 0))          ;; the number of the callback to call
  (global $seen (mut i32) (i32.const 0))           ;; the callback that Go is in
  (global $failed (mut i32) (i32.const 0))         ;; whether it gets an error, or a number
  (global $count (mut i32) (i32.const 0))
  (global $has_timeout (mut i32) (i32.const 0))

  (func $nothing (param i32))

  (func $store_object (param $at i32) (param $object i32) (param $kind i32)
    (i32.store (local.get $at) (local.get $object))
    (i32.store offset=4 (local.get $at) (i32.or (i32.const 0x7ff80000) (local.get $kind))))

  (func $store_number (param $at i32) (param $number i32)
    (if (local.get $number)
      (then (f64.store (local.get $at) (f64.convert_i32_s (local.get $number))))
      (else (call $store_object (local.get $at) (i32.const 1) (i32.const 0)))))

  (func $store_undefined (param $at i32) (i64.store (local.get $at) (i64.const 0)))

  (func $load_number (param $at i32) (result i32)
    (i32.trunc_sat_f64_s (f64.load (local.get $at))))

  ;; The kind and the value of a name in a list, as 256 * kind + value, or -1.
  (func $find (param $list i32) (param $name i32) (param $length i32) (result i32) (local $n i32)
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $list))) (then (return (i32.const -1))))
      (local.set $n (i32.const 0))
      (block $differs
        (br_if $differs (i32.ne (i32.load8_u (local.get $list)) (local.get $length)))
        (loop $byte
          (br_if $differs (i32.ne
            (i32.load8_u (i32.add (local.get $name) (local.get $n)))
            (i32.load8_u offset=1 (i32.add (local.get $list) (local.get $n)))))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $byte (i32.lt_u (local.get $n) (local.get $length))))
        (local.set $list (i32.add (local.get $list) (local.get $length)))
        (return (i32.or
          (i32.shl (i32.load8_u offset=1 (local.get $list)) (i32.const 8))
          (i32.load8_u offset=2 (local.get $list)))))
      (local.set $list
        (i32.add (i32.const 3) (i32.add (local.get $list) (i32.load8_u (local.get $list)))))
      (br $next))
    (unreachable))

  ;; runtime.*
  (func $wasmExit (param $sp i32) (call $exit (i32.load offset=8 (local.get $sp))))

  (func $wasmWrite (param $sp i32)
    (drop (call $write (i32.load offset=8 (local.get $sp)) (i32.load offset=16 (local.get $sp))
      (i32.load offset=24 (local.get $sp)))))

  (func $nanotime1 (param $sp i32)
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.add (local.get $sp) (i32.const 8)))))

  (func $walltime (param $sp i32)
    (i64.store offset=8 (local.get $sp) (i64.const 0))
    (i32.store offset=16 (local.get $sp) (i32.const 0)))

  (func $scheduleTimeoutEvent (param $sp i32)
    (global.set $has_timeout (i32.const 1))
    (i32.store offset=16 (local.get $sp) (i32.const 1)))

  (func $clearTimeoutEvent (param i32) (global.set $has_timeout (i32.const 0)))

  (func $getRandomData (param $sp i32)
    (drop (call $random (i32.load offset=8 (local.get $sp)) (i32.load offset=16 (local.get $sp)))))

  ;; syscall/js.*
  (func $stringVal (param $sp i32)
    (call $store_object (i32.add (local.get $sp) (i32.const 24)) (i32.const 22) (i32.const 2)))

  (func $valueGet (param $sp i32) (local $found i32) (local $at i32) (local $kind i32)
    (local.set $at (i32.add (local.get $sp) (i32.const 32)))
    (local.set $found (call $find (i32.const 256)
      (i32.load offset=16 (local.get $sp)) (i32.load offset=24 (local.get $sp))))
    (if (i32.lt_s (local.get $found) (i32.const 0))
      (then (call $store_undefined (local.get $at)) (return)))
    (local.set $kind (i32.shr_u (local.get $found) (i32.const 8)))
    (local.set $found (i32.and (local.get $found) (i32.const 255)))
    (if (i32.eqz (local.get $kind))
      (then (call $store_number (local.get $at) (local.get $found)) (return)))
    (if (i32.lt_u (local.get $kind) (i32.const 5))
      (then (call $store_object (local.get $at) (local.get $found) (local.get $kind)) (return)))
    (if (local.get $found)
      (then (call $store_number (local.get $at) (global.get $seen)) (return)))
    ;; The event, which is taken, or null.
    (global.set $seen (global.get $event))
    (global.set $event (i32.const 0))
    (if (global.get $seen)
      (then (call $store_object (local.get $at) (i32.const 17) (i32.const 1)))
      (else (call $store_object (local.get $at) (i32.const 2) (i32.const 0)))))

  ;; Of the arguments of a callback: an error or null, then a number.
  (func $valueIndex (param $sp i32) (local $at i32)
    (local.set $at (i32.add (local.get $sp) (i32.const 24)))
    (if (i32.load offset=16 (local.get $sp))
      (then (call $store_number (local.get $at) (global.get $count)))
      (else (if (global.get $failed)
        (then (call $store_object (local.get $at) (i32.const 20) (i32.const 1)))
        (else (call $store_object (local.get $at) (i32.const 2) (i32.const 0)))))))

  (func $write (param $fd i32) (param $at i32) (param $bytes i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $bytes))
    (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $exit (i32.const 1))))
    (i32.load (i32.const 8)))

  (func $read (param $fd i32) (param $bytes i32) (result i32)
    (i32.store (i32.const 0) (global.get $buffer))
    (i32.store (i32.const 4)
      (select (local.get $bytes) (global.get $buffer_bytes)
        (i32.lt_u (local.get $bytes) (global.get $buffer_bytes))))
    (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $exit (i32.const 1))))
    (i32.load (i32.const 8)))

  ;; A method. The last argument of those of `fs` is a callback, which is called when Go is idle; a
  ;; method that is not known fails.
  (func $valueCall (param $sp i32) (local $method i32) (local $args i32) (local $result i32)
    (local.set $args (i32.load offset=32 (local.get $sp)))
    (local.set $result (i32.add (local.get $sp) (i32.const 56)))
    (i32.store8 offset=64 (local.get $sp) (i32.const 1))
    (local.set $method (call $find (i32.const 768)
      (i32.load offset=16 (local.get $sp)) (i32.load offset=24 (local.get $sp))))
    (call $store_undefined (local.get $result))
    (if (i32.eq (local.get $method) (i32.const 1))
      (then
        (call $store_object (local.get $result)
          (i32.add (call $load_number (local.get $args)) (i32.const 1000)) (i32.const 4))
        (return)))
    (if (i32.eq (local.get $method) (i32.const 4))
      (then (call $store_object (local.get $result) (i32.const 22) (i32.const 2)) (return)))
    (if (global.get $event) (then (unreachable)))
    (global.set $event (i32.sub
      (i32.load (i32.sub
        (i32.add (local.get $args) (i32.shl (i32.load offset=40 (local.get $sp)) (i32.const 3)))
        (i32.const 8)))
      (i32.const 1000)))
    (global.set $failed (i32.lt_s (local.get $method) (i32.const 0)))
    (global.set $count (i32.const 0))
    (if (i32.eq (local.get $method) (i32.const 2))
      (then (global.set $count (call $write
        (call $load_number (local.get $args)) (global.get $bytes_at)
        (call $load_number (i32.add (local.get $args) (i32.const 24)))))))
    (if (i32.eq (local.get $method) (i32.const 3))
      (then (global.set $count (call $read (call $load_number (local.get $args))
        (call $load_number (i32.add (local.get $args) (i32.const 24))))))))

  (func $valueNew (param $sp i32)
    (call $store_object (i32.add (local.get $sp) (i32.const 40)) (i32.const 19) (i32.const 1))
    (i32.store8 offset=48 (local.get $sp) (i32.const 1)))

  ;; Of the arguments of a callback.
  (func $valueLength (param $sp i32) (i64.store offset=16 (local.get $sp) (i64.const 2)))

  (func $valuePrepareString (param $sp i32)
    (i64.store offset=16 (local.get $sp) (i64.load offset=8 (local.get $sp)))
    (i64.store offset=24 (local.get $sp)
      (select (i64.const 6) (i64.const 1)
        (i32.eq (i32.load offset=8 (local.get $sp)) (i32.const 21)))))

  (func $valueLoadString (param $sp i32)
    (memory.copy (i32.load offset=16 (local.get $sp))
      (select (i32.const 32) (i32.const 40)
        (i32.eq (i32.load offset=8 (local.get $sp)) (i32.const 21)))
      (i32.load offset=24 (local.get $sp))))

  (func $copyBytesToGo (param $sp i32) (local $bytes i32)
    (local.set $bytes (i32.load offset=16 (local.get $sp)))
    (if (i32.gt_u (local.get $bytes) (global.get $buffer_bytes))
      (then (local.set $bytes (global.get $buffer_bytes))))
    (memory.copy (i32.load offset=8 (local.get $sp)) (global.get $buffer) (local.get $bytes))
    (i64.store offset=40 (local.get $sp) (i64.extend_i32_u (local.get $bytes)))
    (i32.store8 offset=48 (local.get $sp) (i32.const 1)))

  ;; The bytes stay where they are until they are written, which is at once.
  (func $copyBytesToJS (param $sp i32)
    (global.set $bytes_at (i32.load offset=16 (local.get $sp)))
    (i64.store offset=40 (local.get $sp) (i64.load offset=24 (local.get $sp)))
    (i32.store8 offset=48 (local.get $sp) (i32.const 1)))

  ;; Go finds its arguments at 4096, as pointers of eight bytes with zeros behind them.
  (func (export "_start") (local $argv i32) (local $n i32)
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 4096)))
    (local.set $argv (i32.and (i32.add (i32.const 4103) (i32.load (i32.const 20))) (i32.const -8)))
    (loop $next
      (i64.store
        (i32.add (local.get $argv) (i32.shl (local.get $n) (i32.const 3)))
        (i64.load32_u (i32.add (i32.const 1024) (i32.shl (local.get $n) (i32.const 2)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.load (i32.const 16)))))
    (call $run (i32.load (i32.const 16)) (local.get $argv))
    (loop $next
      (if (i32.or (global.get $event) (global.get $has_timeout))
        (then (call $resume) (br $next))))
    (call $exit (i32.const 3))))
