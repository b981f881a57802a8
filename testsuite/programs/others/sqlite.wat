;; Runs the statements of standard input in an SQLite database in memory, and prints the rows, with
;; | between the columns: a program around the library that sql.js is, so that it runs without
;; JavaScript.
;;   wassay run --preload env=emscripten.wat --preload sqlite=sql-wasm-debug.wasm \
;;     sqlite.wat < queries.sql
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "sqlite" "memory" (memory 1))
  (import "sqlite" "emscripten_stack_init" (func $init_stack))
  (import "sqlite" "emscripten_stack_get_base" (func $stack_base (result i32)))
  (import "sqlite" "emscripten_stack_get_end" (func $stack_end (result i32)))
  (import "sqlite" "__set_stack_limits" (func $limit_stack (param i32 i32)))
  (import "sqlite" "__wasm_call_ctors" (func $constructors))
  (import "sqlite" "malloc" (func $malloc (param i32) (result i32)))
  (import "sqlite" "sqlite3_open" (func $open (param i32 i32) (result i32)))
  (import "sqlite" "sqlite3_prepare_v2" (func $prepare (param i32 i32 i32 i32 i32) (result i32)))
  (import "sqlite" "sqlite3_step" (func $step (param i32) (result i32)))
  (import "sqlite" "sqlite3_finalize" (func $finalize (param i32) (result i32)))
  (import "sqlite" "sqlite3_column_count" (func $columns (param i32) (result i32)))
  (import "sqlite" "sqlite3_column_text" (func $text (param i32 i32) (result i32)))
  (import "sqlite" "sqlite3_errmsg" (func $message (param i32) (result i32)))
  (export "memory" (memory 0))
  (data $name ":memory:\00|\n\00")

  (global $room (mut i32) (i32.const 0))      ;; a list of one vector, and the number of bytes
  (global $input (mut i32) (i32.const 0))
  (global $input_bytes i32 (i32.const 65535))

  (func $length (param $at i32) (result i32) (local $end i32)
    (local.set $end (local.get $at))
    (loop $next
      (if (i32.load8_u (local.get $end))
        (then (local.set $end (i32.add (local.get $end) (i32.const 1))) (br $next))))
    (i32.sub (local.get $end) (local.get $at)))

  (func $write (param $fd i32) (param $at i32) (param $bytes i32)
    (i32.store (global.get $room) (local.get $at))
    (i32.store offset=4 (global.get $room) (local.get $bytes))
    (drop (call $fd_write (local.get $fd) (global.get $room) (i32.const 1)
      (i32.add (global.get $room) (i32.const 8)))))

  ;; Ends the program with the database's message if a result is an error.
  (func $check (param $result i32) (param $database i32)
    (if (local.get $result)
      (then
        (call $write (i32.const 2) (call $message (local.get $database))
          (call $length (call $message (local.get $database))))
        (call $exit (i32.const 1)))))

  ;; Reads standard input to its end; the memory behind it is zero.
  (func $read (local $used i32)
    (global.set $input (call $malloc (i32.add (global.get $input_bytes) (i32.const 1))))
    (memory.fill (global.get $input) (i32.const 0)
      (i32.add (global.get $input_bytes) (i32.const 1)))
    (loop $next
      (i32.store (global.get $room) (i32.add (global.get $input) (local.get $used)))
      (i32.store offset=4 (global.get $room) (i32.sub (global.get $input_bytes) (local.get $used)))
      (if (call $fd_read (i32.const 0) (global.get $room) (i32.const 1)
            (i32.add (global.get $room) (i32.const 8)))
        (then (call $exit (i32.const 1))))
      (local.set $used (i32.add (local.get $used) (i32.load offset=8 (global.get $room))))
      (br_if $next (i32.load offset=8 (global.get $room)))))

  (func $print_row (param $statement i32) (param $name i32) (local $column i32) (local $at i32)
    (loop $next
      (local.set $at (call $text (local.get $statement) (local.get $column)))
      (call $write (i32.const 1) (local.get $at) (call $length (local.get $at)))
      (local.set $column (i32.add (local.get $column) (i32.const 1)))
      (if (i32.lt_u (local.get $column) (call $columns (local.get $statement)))
        (then
          (call $write (i32.const 1) (i32.add (local.get $name) (i32.const 9)) (i32.const 1))
          (br $next))))
    (call $write (i32.const 1) (i32.add (local.get $name) (i32.const 10)) (i32.const 1)))

  (func (export "_start")
    (local $name i32) (local $database i32) (local $statement i32) (local $result i32)
    (local $sql i32)
    (call $init_stack)
    (call $limit_stack (call $stack_base) (call $stack_end))
    (call $constructors)
    (global.set $room (call $malloc (i32.const 32)))
    (local.set $name (call $malloc (i32.const 12)))
    (memory.init $name (local.get $name) (i32.const 0) (i32.const 12))
    (call $read)
    (call $check
      (call $open (local.get $name) (i32.add (global.get $room) (i32.const 16)))
      (i32.const 0))
    (local.set $database (i32.load offset=16 (global.get $room)))
    (local.set $sql (global.get $input))
    (loop $next
      (call $check
        (call $prepare (local.get $database) (local.get $sql) (i32.const -1)
          (i32.add (global.get $room) (i32.const 20)) (i32.add (global.get $room) (i32.const 24)))
        (local.get $database))
      (local.set $statement (i32.load offset=20 (global.get $room)))
      (local.set $sql (i32.load offset=24 (global.get $room)))
      (if (local.get $statement)
        (then
          (loop $row
            (local.set $result (call $step (local.get $statement)))
            (if (i32.eq (local.get $result) (i32.const 100))     ;; SQLITE_ROW
              (then (call $print_row (local.get $statement) (local.get $name)) (br $row))))
          (if (i32.ne (local.get $result) (i32.const 101))       ;; SQLITE_DONE
            (then (call $check (local.get $result) (local.get $database))))
          (drop (call $finalize (local.get $statement)))))
      (br_if $next (i32.load8_u (local.get $sql))))))
