;; The sun and four planets (the benchmark of that name): their energy in 1e-9, after 0, 1,000 and
;; 50,000 steps.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "nbody: energy after 50000 steps in 1e-9: ")

  ;; A body has 64 bytes, from address 128 on: its place, its mass, its speed.
  (func $put (param $body i32) (param $mass f64)
    (param $x f64) (param $y f64) (param $z f64) (param $u f64) (param $v f64) (param $w f64)
    (f64.store (local.get $body) (local.get $x))
    (f64.store offset=8 (local.get $body) (local.get $y))
    (f64.store offset=16 (local.get $body) (local.get $z))
    (f64.store offset=24 (local.get $body) (local.get $mass))
    (f64.store offset=32 (local.get $body) (local.get $u))
    (f64.store offset=40 (local.get $body) (local.get $v))
    (f64.store offset=48 (local.get $body) (local.get $w)))

  ;; The speed of the sun is such that the momentum of all is zero.
  (func $begin
    ;; sun
    (call $put (i32.const 128) (f64.const 39.47841760435743)
      (f64.const 0.0) (f64.const 0.0) (f64.const 0.0)
      (f64.const -0.000387663407199214) (f64.const -0.0032753590371765707) (f64.const 2.3935734080003e-05))
    ;; jupiter
    (call $put (i32.const 192) (f64.const 0.03769367487038949)
      (f64.const 4.841431442464721) (f64.const -1.1603200440274284) (f64.const -0.10362204447112311)
      (f64.const 0.606326392995832) (f64.const 2.81198684491626) (f64.const -0.02521836165988763))
    ;; saturn
    (call $put (i32.const 256) (f64.const 0.011286326131968767)
      (f64.const 8.34336671824458) (f64.const 4.124798564124305) (f64.const -0.4035234171143214)
      (f64.const -1.0107743461771437) (f64.const 1.8256623712304119) (f64.const 0.008415761376584154))
    ;; uranus
    (call $put (i32.const 320) (f64.const 0.0017237240570597112)
      (f64.const 12.894369562139131) (f64.const -15.111151401698631) (f64.const -0.22330757889265573)
      (f64.const 1.0827910064415354) (f64.const 0.8687130181696082) (f64.const -0.010832637401363636))
    ;; neptune
    (call $put (i32.const 384) (f64.const 0.0020336868699246304)
      (f64.const 15.379697114850917) (f64.const -25.919314609987964) (f64.const 0.17925877295037118)
      (f64.const 0.979090732243898) (f64.const 0.5946989986476762) (f64.const -0.034755955504078104)))

  (func $squares (param $x f64) (param $y f64) (param $z f64) (result f64)
    (f64.add
      (f64.add (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y)))
      (f64.mul (local.get $z) (local.get $z))))

  (func $pull (param $body i32) (param $x f64) (param $y f64) (param $z f64)
    (f64.store offset=32 (local.get $body)
      (f64.add (f64.load offset=32 (local.get $body)) (local.get $x)))
    (f64.store offset=40 (local.get $body)
      (f64.add (f64.load offset=40 (local.get $body)) (local.get $y)))
    (f64.store offset=48 (local.get $body)
      (f64.add (f64.load offset=48 (local.get $body)) (local.get $z))))

  (func $advance (param $step f64)
    (local $i i32) (local $j i32) (local $x f64) (local $y f64) (local $z f64)
    (local $square f64) (local $by f64)
    (local.set $i (i32.const 128))
    (loop $bodies
      (local.set $j (i32.add (local.get $i) (i32.const 64)))
      (block $done
        (loop $others
          (br_if $done (i32.ge_u (local.get $j) (i32.const 448)))
          (local.set $x (f64.sub (f64.load (local.get $i)) (f64.load (local.get $j))))
          (local.set $y
            (f64.sub (f64.load offset=8 (local.get $i)) (f64.load offset=8 (local.get $j))))
          (local.set $z
            (f64.sub (f64.load offset=16 (local.get $i)) (f64.load offset=16 (local.get $j))))
          (local.set $square (call $squares (local.get $x) (local.get $y) (local.get $z)))
          (local.set $by
            (f64.div (local.get $step)
              (f64.mul (local.get $square) (f64.sqrt (local.get $square)))))
          (local.set $square
            (f64.neg (f64.mul (f64.load offset=24 (local.get $j)) (local.get $by))))
          (call $pull (local.get $i)
            (f64.mul (local.get $x) (local.get $square))
            (f64.mul (local.get $y) (local.get $square))
            (f64.mul (local.get $z) (local.get $square)))
          (local.set $square (f64.mul (f64.load offset=24 (local.get $i)) (local.get $by)))
          (call $pull (local.get $j)
            (f64.mul (local.get $x) (local.get $square))
            (f64.mul (local.get $y) (local.get $square))
            (f64.mul (local.get $z) (local.get $square)))
          (local.set $j (i32.add (local.get $j) (i32.const 64)))
          (br $others)))
      (br_if $bodies
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (i32.const 448))))
    (local.set $i (i32.const 128))
    (loop $move
      (f64.store (local.get $i)
        (f64.add (f64.load (local.get $i))
          (f64.mul (local.get $step) (f64.load offset=32 (local.get $i)))))
      (f64.store offset=8 (local.get $i)
        (f64.add (f64.load offset=8 (local.get $i))
          (f64.mul (local.get $step) (f64.load offset=40 (local.get $i)))))
      (f64.store offset=16 (local.get $i)
        (f64.add (f64.load offset=16 (local.get $i))
          (f64.mul (local.get $step) (f64.load offset=48 (local.get $i)))))
      (br_if $move
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (i32.const 448)))))

  ;; The energy in units of 1e-9.
  (func $energy (result i64)
    (local $i i32) (local $j i32) (local $sum f64)
    (local.set $i (i32.const 128))
    (loop $bodies
      (local.set $sum
        (f64.add (local.get $sum)
          (f64.mul (f64.mul (f64.const 0.5) (f64.load offset=24 (local.get $i)))
            (call $squares (f64.load offset=32 (local.get $i))
              (f64.load offset=40 (local.get $i)) (f64.load offset=48 (local.get $i))))))
      (local.set $j (i32.add (local.get $i) (i32.const 64)))
      (block $done
        (loop $others
          (br_if $done (i32.ge_u (local.get $j) (i32.const 448)))
          (local.set $sum
            (f64.sub (local.get $sum)
              (f64.div
                (f64.mul (f64.load offset=24 (local.get $i)) (f64.load offset=24 (local.get $j)))
                (f64.sqrt
                  (call $squares
                    (f64.sub (f64.load (local.get $i)) (f64.load (local.get $j)))
                    (f64.sub (f64.load offset=8 (local.get $i)) (f64.load offset=8 (local.get $j)))
                    (f64.sub (f64.load offset=16 (local.get $i))
                      (f64.load offset=16 (local.get $j))))))))
          (local.set $j (i32.add (local.get $j) (i32.const 64)))
          (br $others)))
      (br_if $bodies
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (i32.const 448))))
    (i64.trunc_f64_s (f64.nearest (f64.mul (local.get $sum) (f64.const 1e9)))))

  (func $steps (param $left i32)
    (loop $steps
      (call $advance (f64.const 0.01))
      (br_if $steps (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  (func (export "_start") (local $energy i64)
    (call $begin)
    (call $check (call $energy) (i64.const -169075164))
    (call $steps (i32.const 1000))
    (call $check (call $energy) (i64.const -169087605))
    (call $steps (i32.const 49000))
    (local.set $energy (call $energy))
    (call $line (i32.const 64) (i32.const 41) (local.get $energy))
    (call $check (local.get $energy) (i64.const -169078071)))

  ;; Writes a text and a number as a line; the numbers 16 to 63 of the memory are its buffer.
  (func $line (param $text i32) (param $length i32) (param $value i64)
    (local $at i32) (local $rest i64)
    (local.set $at (i32.const 63))
    (i32.store8 (local.get $at) (i32.const 10))
    (local.set $rest
      (select (i64.sub (i64.const 0) (local.get $value)) (local.get $value)
        (i64.lt_s (local.get $value) (i64.const 0))))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $rest) (i64.const 10)))))
      (br_if $digits
        (i64.ne (local.tee $rest (i64.div_u (local.get $rest) (i64.const 10))) (i64.const 0))))
    (if (i64.lt_s (local.get $value) (i64.const 0))
      (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $length))
    (i32.store (i32.const 8) (local.get $at))
    (i32.store (i32.const 12) (i32.sub (i32.const 64) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16))))

  ;; Ends the program with exit code 1 unless two numbers are the same.
  (func $check (param $value i64) (param $expected i64)
    (if (i64.ne (local.get $value) (local.get $expected))
      (then (call $proc_exit (i32.const 1))))))
