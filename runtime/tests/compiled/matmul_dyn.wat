(module
  (type (;0;) (func (param i32 i32 i32 i32)))
  (type (;1;) (func (result i64)))
  (func (;0;) (type 0) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64 i32 i32)
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.lt_s
          (local.get 0)
          (i32.const 1)))
      (local.set 4
        (i32.shl
          (local.get 0)
          (i32.const 4)))
      (local.set 5
        (i32.shl
          (local.get 0)
          (i32.const 3)))
      (local.set 6
        (i32.and
          (local.get 0)
          (i32.const 2147483646)))
      (local.set 7
        (i32.and
          (local.get 0)
          (i32.const 1)))
      (local.set 8
        (i32.const 0))
      (local.set 9
        (local.get 1))
      (loop  ;; label = @2
        (local.set 11
          (i32.add
            (local.get 3)
            (local.tee 10
              (i32.shl
                (i32.mul
                  (local.get 8)
                  (local.get 0))
                (i32.const 3)))))
        (local.set 12
          (i32.add
            (local.get 1)
            (local.get 10)))
        (local.set 13
          (local.get 2))
        (local.set 14
          (i32.const 0))
        (loop  ;; label = @3
          (local.set 15
            (i32.shl
              (local.get 14)
              (i32.const 3)))
          (local.set 16
            (f64.const 0x0p+0 (;=0;)))
          (local.set 17
            (i32.const 0))
          (block  ;; label = @4
            (block  ;; label = @5
              (br_if 0 (;@5;)
                (i32.eq
                  (local.get 0)
                  (i32.const 1)))
              (local.set 10
                (local.get 13))
              (local.set 18
                (local.get 9))
              (loop  ;; label = @6
                (local.set 16
                  (f64.add
                    (f64.mul
                      (f64.load
                        (i32.add
                          (local.get 18)
                          (i32.const 8)))
                      (f64.load
                        (i32.add
                          (local.get 10)
                          (local.get 5))))
                    (f64.add
                      (f64.mul
                        (f64.load
                          (local.get 18))
                        (f64.load
                          (local.get 10)))
                      (local.get 16))))
                (local.set 10
                  (i32.add
                    (local.get 10)
                    (local.get 4)))
                (local.set 18
                  (i32.add
                    (local.get 18)
                    (i32.const 16)))
                (br_if 0 (;@6;)
                  (i32.ne
                    (local.get 6)
                    (local.tee 17
                      (i32.add
                        (local.get 17)
                        (i32.const 2))))))
              (br_if 1 (;@4;)
                (i32.eqz
                  (local.get 7))))
            (local.set 16
              (f64.add
                (f64.mul
                  (f64.load
                    (i32.add
                      (local.get 12)
                      (i32.shl
                        (local.get 17)
                        (i32.const 3))))
                  (f64.load
                    (i32.add
                      (i32.add
                        (local.get 2)
                        (local.get 15))
                      (i32.shl
                        (i32.mul
                          (local.get 17)
                          (local.get 0))
                        (i32.const 3)))))
                (local.get 16))))
          (f64.store
            (i32.add
              (local.get 11)
              (local.get 15))
            (local.get 16))
          (local.set 13
            (i32.add
              (local.get 13)
              (i32.const 8)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 14
                (i32.add
                  (local.get 14)
                  (i32.const 1)))
              (local.get 0))))
        (local.set 9
          (i32.add
            (local.get 9)
            (local.get 5)))
        (br_if 0 (;@2;)
          (i32.ne
            (local.tee 8
              (i32.add
                (local.get 8)
                (i32.const 1)))
            (local.get 0))))))
  (func (;1;) (type 1) (result i64)
    (local i32 i32 i32 f64)
    (local.set 0
      (i32.const 0))
    (local.set 1
      (i32.const -64800))
    (loop  ;; label = @1
      (f64.store
        (i32.add
          (local.get 1)
          (i32.const 1178176))
        (f64.convert_i32_u
          (i32.rem_u
            (local.tee 2
              (i32.and
                (local.get 0)
                (i32.const 65535)))
            (i32.const 5))))
      (f64.store
        (i32.add
          (local.get 1)
          (i32.const 1113376))
        (f64.convert_i32_u
          (i32.rem_u
            (local.get 2)
            (i32.const 7))))
      (local.set 1
        (i32.add
          (local.get 1)
          (i32.const 8)))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 0
            (i32.add
              (local.get 0)
              (i32.const 1)))
          (i32.const 8100))))
    (call 0
      (i32.const 90)
      (i32.const 1048576)
      (i32.const 1113376)
      (i32.const 1178176))
    (call 0
      (i32.const 90)
      (i32.const 1178176)
      (i32.const 1048576)
      (i32.const 1113376))
    (local.set 3
      (f64.const 0x0p+0 (;=0;)))
    (local.set 1
      (i32.const -64800))
    (loop  ;; label = @1
      (local.set 3
        (f64.add
          (f64.add
            (f64.add
              (f64.add
                (f64.add
                  (f64.add
                    (local.get 3)
                    (f64.load
                      (i32.add
                        (local.get 1)
                        (i32.const 1178176))))
                  (f64.load
                    (i32.add
                      (local.get 1)
                      (i32.const 1178184))))
                (f64.load
                  (i32.add
                    (local.get 1)
                    (i32.const 1178192))))
              (f64.load
                (i32.add
                  (local.get 1)
                  (i32.const 1178200))))
            (f64.load
              (i32.add
                (local.get 1)
                (i32.const 1178208))))
          (f64.load
            (i32.add
              (local.get 1)
              (i32.const 1178216)))))
      (br_if 0 (;@1;)
        (local.tee 1
          (i32.add
            (local.get 1)
            (i32.const 48)))))
    (i64.trunc_sat_f64_s
      (local.get 3)))
  (memory (;0;) 20)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 1)))
