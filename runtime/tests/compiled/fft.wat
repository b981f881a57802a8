(module
  (type (;0;) (func (param i32 i32 i32)))
  (type (;1;) (func (result i64)))
  (func (;0;) (type 0) (param i32 i32 i32)
    (local i32 i32 i32 i32 f64 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64 f64 f64 f64)
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.lt_s
          (local.get 2)
          (i32.const 2)))
      (local.set 3
        (i32.const 0))
      (local.set 4
        (i32.const 1))
      (loop  ;; label = @2
        (local.set 5
          (local.get 2))
        (loop  ;; label = @3
          (local.set 3
            (i32.xor
              (local.tee 6
                (local.get 3))
              (local.tee 5
                (i32.shr_u
                  (local.get 5)
                  (i32.const 1)))))
          (br_if 0 (;@3;)
            (i32.and
              (local.get 6)
              (local.get 5))))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ge_s
              (local.get 4)
              (local.get 3)))
          (local.set 7
            (f64.load
              (local.tee 6
                (i32.add
                  (local.get 0)
                  (local.tee 5
                    (i32.shl
                      (local.get 4)
                      (i32.const 3)))))))
          (f64.store
            (local.get 6)
            (f64.load
              (local.tee 9
                (i32.add
                  (local.get 0)
                  (local.tee 8
                    (i32.shl
                      (local.get 3)
                      (i32.const 3)))))))
          (f64.store
            (local.get 9)
            (local.get 7))
          (local.set 7
            (f64.load
              (local.tee 5
                (i32.add
                  (local.get 1)
                  (local.get 5)))))
          (f64.store
            (local.get 5)
            (f64.load
              (local.tee 6
                (i32.add
                  (local.get 1)
                  (local.get 8)))))
          (f64.store
            (local.get 6)
            (local.get 7)))
        (br_if 0 (;@2;)
          (i32.ne
            (local.tee 4
              (i32.add
                (local.get 4)
                (i32.const 1)))
            (local.get 2))))
      (local.set 10
        (i32.const 2))
      (loop  ;; label = @2
        (local.set 8
          (i32.shl
            (local.get 10)
            (i32.const 2)))
        (local.set 11
          (i32.shl
            (local.get 10)
            (i32.const 3)))
        (local.set 12
          (i32.shr_s
            (local.get 10)
            (i32.const 1)))
        (local.set 13
          (i32.shl
            (i32.shr_u
              (local.get 2)
              (i32.ctz
                (local.get 10)))
            (i32.const 3)))
        (local.set 14
          (i32.const 0))
        (local.set 15
          (local.get 0))
        (local.set 16
          (local.get 1))
        (loop  ;; label = @3
          (block  ;; label = @4
            (br_if 0 (;@4;)
              (i32.lt_s
                (local.get 12)
                (i32.const 1)))
            (local.set 6
              (i32.const 0))
            (local.set 5
              (local.get 15))
            (local.set 3
              (local.get 16))
            (local.set 4
              (local.get 12))
            (loop  ;; label = @5
              (f64.store
                (local.tee 9
                  (i32.add
                    (local.get 5)
                    (local.get 8)))
                (f64.sub
                  (f64.load
                    (local.get 5))
                  (local.tee 20
                    (f64.sub
                      (f64.mul
                        (local.tee 7
                          (f64.load
                            (local.get 9)))
                        (local.tee 17
                          (f64.load
                            (i32.add
                              (local.get 6)
                              (i32.const 1048576)))))
                      (f64.mul
                        (local.tee 18
                          (f64.load
                            (local.tee 9
                              (i32.add
                                (local.get 3)
                                (local.get 8)))))
                        (local.tee 19
                          (f64.load
                            (i32.add
                              (local.get 6)
                              (i32.const 1081344)))))))))
              (f64.store
                (local.get 9)
                (f64.sub
                  (f64.load
                    (local.get 3))
                  (local.tee 7
                    (f64.add
                      (f64.mul
                        (local.get 7)
                        (local.get 19))
                      (f64.mul
                        (local.get 17)
                        (local.get 18))))))
              (f64.store
                (local.get 5)
                (f64.add
                  (local.get 20)
                  (f64.load
                    (local.get 5))))
              (f64.store
                (local.get 3)
                (f64.add
                  (local.get 7)
                  (f64.load
                    (local.get 3))))
              (local.set 6
                (i32.add
                  (local.get 6)
                  (local.get 13)))
              (local.set 5
                (i32.add
                  (local.get 5)
                  (i32.const 8)))
              (local.set 3
                (i32.add
                  (local.get 3)
                  (i32.const 8)))
              (br_if 0 (;@5;)
                (local.tee 4
                  (i32.add
                    (local.get 4)
                    (i32.const -1))))))
          (local.set 15
            (i32.add
              (local.get 15)
              (local.get 11)))
          (local.set 16
            (i32.add
              (local.get 16)
              (local.get 11)))
          (br_if 0 (;@3;)
            (i32.lt_s
              (local.tee 14
                (i32.add
                  (local.get 14)
                  (local.get 10)))
              (local.get 2))))
        (br_if 0 (;@2;)
          (i32.le_s
            (local.tee 10
              (i32.shl
                (local.get 10)
                (i32.const 1)))
            (local.get 2))))))
  (func (;1;) (type 1) (result i64)
    (local f64 f64 i32 i32 f64)
    (local.set 0
      (f64.const 0x0p+0 (;=0;)))
    (local.set 1
      (f64.const 0x1p+0 (;=1;)))
    (local.set 2
      (i32.const 0))
    (local.set 3
      (i32.const 0))
    (loop  ;; label = @1
      (f64.store
        (i32.add
          (local.get 2)
          (i32.const 1081344))
        (local.get 0))
      (f64.store
        (i32.add
          (local.get 2)
          (i32.const 1048576))
        (local.get 1))
      (i64.store
        (i32.add
          (local.get 2)
          (i32.const 1146880))
        (i64.const 0))
      (f64.store
        (i32.add
          (local.get 2)
          (i32.const 1114112))
        (f64.convert_i32_u
          (i32.rem_u
            (i32.and
              (local.get 3)
              (i32.const 65535))
            (i32.const 17))))
      (local.set 4
        (f64.mul
          (local.get 1)
          (f64.const 0x1.921f51d4deeap-9 (;=0.00306795;))))
      (local.set 1
        (f64.add
          (f64.mul
            (local.get 1)
            (f64.const 0x1.ffff61f568776p-1 (;=0.999995;)))
          (f64.mul
            (local.get 0)
            (f64.const -0x1.921f51d4deeap-9 (;=-0.00306795;)))))
      (local.set 2
        (i32.add
          (local.get 2)
          (i32.const 8)))
      (local.set 0
        (f64.add
          (local.get 4)
          (f64.mul
            (local.get 0)
            (f64.const 0x1.ffff61f568776p-1 (;=0.999995;)))))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 3
            (i32.add
              (local.get 3)
              (i32.const 1)))
          (i32.const 2048))))
    (call 0
      (i32.const 1114112)
      (i32.const 1146880)
      (i32.const 2048))
    (call 0
      (i32.const 1146880)
      (i32.const 1114112)
      (i32.const 2048))
    (local.set 0
      (f64.const 0x0p+0 (;=0;)))
    (local.set 2
      (i32.const -16384))
    (local.set 3
      (i32.const 3))
    (local.set 1
      (f64.const 0x0p+0 (;=0;)))
    (loop  ;; label = @1
      (local.set 1
        (f64.add
          (f64.mul
            (f64.load
              (i32.add
                (local.get 2)
                (i32.const 1130520)))
            (f64.convert_i32_u
              (local.get 3)))
          (f64.add
            (f64.mul
              (f64.load
                (i32.add
                  (local.get 2)
                  (i32.const 1130512)))
              (f64.convert_i32_u
                (i32.add
                  (local.get 3)
                  (i32.const -1))))
            (f64.add
              (f64.mul
                (f64.load
                  (i32.add
                    (local.get 2)
                    (i32.const 1130504)))
                (f64.convert_i32_u
                  (i32.add
                    (local.get 3)
                    (i32.const -2))))
              (f64.add
                (f64.mul
                  (f64.load
                    (i32.add
                      (local.get 2)
                      (i32.const 1130496)))
                  (local.get 0))
                (local.get 1))))))
      (local.set 3
        (i32.add
          (local.get 3)
          (i32.const 4)))
      (local.set 0
        (f64.add
          (local.get 0)
          (f64.const 0x1p+2 (;=4;))))
      (br_if 0 (;@1;)
        (local.tee 2
          (i32.add
            (local.get 2)
            (i32.const 32)))))
    (i64.trunc_sat_f64_s
      (local.get 1)))
  (memory (;0;) 18)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 1)))
