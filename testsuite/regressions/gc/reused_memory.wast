;; Arrays of 640 MiB in all, of which few are alive at a time: memory that is free is used again, else
;; a run with less memory ends as a limit.

(module
  (type $bytes (array (mut i8)))
  (type $kept (array (mut (ref null $bytes))))

  ;; Allocates so many arrays and keeps the last 16: the sum of the first bytes of these.
  (func (export "run") (param $count i32) (param $length i32) (result i32)
    (local $kept (ref $kept)) (local $n i32) (local $sum i32)
    (local.set $kept (array.new_default $kept (i32.const 16)))
    (loop $more
      (array.set $kept (local.get $kept)
        (i32.and (local.get $n) (i32.const 15))
        (array.new $bytes (local.get $n) (local.get $length)))
      (br_if $more (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1)))
        (local.get $count))))
    (loop $sums
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum)
        (array.get_u $bytes
          (array.get $kept (local.get $kept) (i32.and (local.get $n) (i32.const 15)))
          (i32.sub (local.get $length) (i32.const 1)))))
      (br_if $sums (i32.and (local.get $n) (i32.const 15))))
    (local.get $sum)))

;; Of 10,240 arrays of 64 KiB the last are those of 0x27F0 to 0x27FF: 0xF0 + .. + 0xFF = 3,960.
(assert_return (invoke "run" (i32.const 10240) (i32.const 65536)) (i32.const 3960))
;; Of 16 the last are all: 0 + .. + 15 = 120.
(assert_return (invoke "run" (i32.const 16) (i32.const 65536)) (i32.const 120))
