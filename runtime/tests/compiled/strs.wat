(module
  (type (;0;) (func (result i64)))
  (func (;0;) (type 0) (result i64)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i64 i64 i64 i32 i32 i32)
    (local.set 0
      (i32.const -1))
    (local.set 1
      (i32.const 1148576))
    (local.set 2
      (i32.const 3))
    (local.set 3
      (i32.const 0))
    (loop  ;; label = @1
      (i32.store
        (local.get 1)
        (local.tee 4
          (i32.add
            (local.get 3)
            (i32.const 1048576))))
      (i32.store8
        (local.get 4)
        (i32.add
          (i32.rem_u
            (i32.shr_u
              (local.tee 5
                (i32.add
                  (i32.mul
                    (local.get 2)
                    (i32.const 389569705))
                  (i32.const 1196435762)))
              (i32.const 24))
            (i32.const 6))
          (i32.const 97)))
      (local.set 4
        (i32.add
          (local.tee 6
            (i32.add
              (local.get 3)
              (i32.const 1)))
          (local.tee 2
            (i32.and
              (i32.shr_u
                (i32.add
                  (i32.mul
                    (local.get 2)
                    (i32.const 1664525))
                  (i32.const 1013904223))
                (i32.const 28))
              (i32.const 7)))))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (local.get 2))
          (local.set 2
            (local.get 5))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048577))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 5)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 5
                (i32.add
                  (local.get 3)
                  (i32.const 2)))
              (local.get 4)))
          (local.set 3
            (local.get 6))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048578))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 6
                (i32.add
                  (local.get 3)
                  (i32.const 3)))
              (local.get 4)))
          (local.set 3
            (local.get 5))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048579))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 5
                (i32.add
                  (local.get 3)
                  (i32.const 4)))
              (local.get 4)))
          (local.set 3
            (local.get 6))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048580))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 6
                (i32.add
                  (local.get 3)
                  (i32.const 5)))
              (local.get 4)))
          (local.set 3
            (local.get 5))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048581))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 5
                (i32.add
                  (local.get 3)
                  (i32.const 6)))
              (local.get 4)))
          (local.set 3
            (local.get 6))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048582))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ne
              (local.tee 3
                (i32.add
                  (local.get 3)
                  (i32.const 7)))
              (local.get 4)))
          (local.set 3
            (local.get 5))
          (br 1 (;@2;)))
        (i32.store8
          (i32.add
            (local.get 3)
            (i32.const 1048576))
          (i32.add
            (i32.rem_u
              (i32.shr_u
                (local.tee 2
                  (i32.add
                    (i32.mul
                      (local.get 2)
                      (i32.const 1664525))
                    (i32.const 1013904223)))
                (i32.const 24))
              (i32.const 6))
            (i32.const 97))))
      (local.set 0
        (i32.add
          (local.get 0)
          (i32.const 1)))
      (i32.store8
        (i32.add
          (local.get 4)
          (i32.const 1048576))
        (i32.const 0))
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.gt_s
            (local.get 3)
            (i32.const 99977)))
        (local.set 1
          (i32.add
            (local.get 1)
            (i32.const 4)))
        (local.set 3
          (i32.add
            (local.get 3)
            (i32.const 2)))
        (br_if 1 (;@1;)
          (i32.lt_u
            (local.get 0)
            (i32.const 14999)))))
    (local.set 7
      (i32.add
        (local.get 0)
        (i32.const 1)))
    (local.set 8
      (i64.const 0))
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.eqz
          (local.get 0)))
      (local.set 5
        (i32.const 1))
      (loop  ;; label = @2
        (local.set 3
          (local.tee 1
            (i32.load
              (i32.add
                (local.tee 2
                  (i32.shl
                    (local.get 5)
                    (i32.const 2)))
                (i32.const 1148576)))))
        (local.set 9
          (i64.const 0))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.eqz
              (local.tee 2
                (i32.load8_u
                  (local.tee 4
                    (i32.load
                      (i32.add
                        (local.get 2)
                        (i32.const 1148572))))))))
          (local.set 4
            (i32.add
              (local.get 4)
              (i32.const 1)))
          (local.set 3
            (local.get 1))
          (block  ;; label = @4
            (loop  ;; label = @5
              (br_if 1 (;@4;)
                (i32.ne
                  (i32.and
                    (local.get 2)
                    (i32.const 255))
                  (i32.load8_u
                    (local.get 3))))
              (local.set 3
                (i32.add
                  (local.get 3)
                  (i32.const 1)))
              (local.set 2
                (i32.load8_u
                  (local.get 4)))
              (local.set 4
                (i32.add
                  (local.get 4)
                  (i32.const 1)))
              (br_if 0 (;@5;)
                (local.get 2)))
            (local.set 2
              (i32.const 0)))
          (local.set 9
            (i64.and
              (i64.extend_i32_u
                (local.get 2))
              (i64.const 255))))
        (local.set 10
          (i64.load8_u
            (local.get 3)))
        (local.set 3
          (i32.const 0))
        (loop  ;; label = @3
          (local.set 2
            (i32.add
              (local.get 1)
              (local.get 3)))
          (local.set 3
            (local.tee 4
              (i32.add
                (local.get 3)
                (i32.const 1))))
          (br_if 0 (;@3;)
            (i32.load8_u
              (local.get 2))))
        (local.set 8
          (i64.add
            (i64.mul
              (i64.sub
                (i64.add
                  (local.get 9)
                  (local.get 8))
                (local.get 10))
              (i64.const 31))
            (i64.extend_i32_u
              (i32.add
                (local.get 4)
                (i32.const -1)))))
        (br_if 0 (;@2;)
          (i32.ne
            (local.get 7)
            (local.tee 5
              (i32.add
                (local.get 5)
                (i32.const 1))))))
      (br_if 0 (;@1;)
        (i32.eqz
          (local.tee 11
            (i32.shr_u
              (local.get 7)
              (i32.const 1)))))
      (loop  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.gt_u
              (local.get 11)
              (local.get 0)))
          (local.set 12
            (local.get 11))
          (loop  ;; label = @4
            (local.set 5
              (i32.load offset=1148576
                (i32.shl
                  (local.get 12)
                  (i32.const 2))))
            (local.set 6
              (local.get 12))
            (block  ;; label = @5
              (br_if 0 (;@5;)
                (i32.lt_u
                  (local.get 12)
                  (local.get 11)))
              (local.set 13
                (local.get 12))
              (loop  ;; label = @6
                (block  ;; label = @7
                  (br_if 0 (;@7;)
                    (local.tee 2
                      (i32.load8_u
                        (local.tee 1
                          (i32.load offset=1148576
                            (i32.shl
                              (local.tee 6
                                (i32.sub
                                  (local.get 13)
                                  (local.get 11)))
                              (i32.const 2)))))))
                  (local.set 6
                    (local.get 13))
                  (br 2 (;@5;)))
                (local.set 3
                  (i32.const 0))
                (block  ;; label = @7
                  (loop  ;; label = @8
                    (br_if 1 (;@7;)
                      (i32.ne
                        (i32.and
                          (local.get 2)
                          (i32.const 255))
                        (i32.load8_u
                          (local.tee 4
                            (i32.add
                              (local.get 5)
                              (local.get 3))))))
                    (local.set 2
                      (i32.add
                        (local.get 1)
                        (local.get 3)))
                    (local.set 3
                      (local.tee 4
                        (i32.add
                          (local.get 3)
                          (i32.const 1))))
                    (br_if 0 (;@8;)
                      (local.tee 2
                        (i32.load8_u
                          (i32.add
                            (local.get 2)
                            (i32.const 1))))))
                  (local.set 4
                    (i32.add
                      (local.get 5)
                      (local.get 4)))
                  (local.set 2
                    (i32.const 0)))
                (block  ;; label = @7
                  (br_if 0 (;@7;)
                    (i32.gt_u
                      (i32.and
                        (local.get 2)
                        (i32.const 255))
                      (i32.load8_u
                        (local.get 4))))
                  (local.set 6
                    (local.get 13))
                  (br 2 (;@5;)))
                (i32.store offset=1148576
                  (i32.shl
                    (local.get 13)
                    (i32.const 2))
                  (local.get 1))
                (local.set 13
                  (local.get 6))
                (br_if 0 (;@6;)
                  (i32.ge_s
                    (local.get 6)
                    (local.get 11)))))
            (i32.store
              (i32.add
                (i32.shl
                  (local.get 6)
                  (i32.const 2))
                (i32.const 1148576))
              (local.get 5))
            (br_if 0 (;@4;)
              (i32.ne
                (local.get 7)
                (local.tee 12
                  (i32.add
                    (local.get 12)
                    (i32.const 1)))))))
        (br_if 0 (;@2;)
          (local.tee 11
            (i32.shr_u
              (local.get 11)
              (i32.const 1))))))
    (local.set 2
      (i32.and
        (local.get 7)
        (i32.const 3)))
    (local.set 1
      (i32.const 0))
    (block  ;; label = @1
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.lt_u
            (local.get 0)
            (i32.const 3)))
        (local.set 4
          (i32.and
            (local.get 7)
            (i32.const -4)))
        (local.set 1
          (i32.const 0))
        (local.set 3
          (i32.const 1148576))
        (loop  ;; label = @3
          (local.set 8
            (i64.add
              (i64.mul
                (i64.add
                  (i64.mul
                    (i64.add
                      (i64.mul
                        (i64.add
                          (i64.mul
                            (local.get 8)
                            (i64.const 31))
                          (i64.load8_s
                            (i32.load
                              (local.get 3))))
                        (i64.const 31))
                      (i64.load8_s
                        (i32.load
                          (i32.add
                            (local.get 3)
                            (i32.const 4)))))
                    (i64.const 31))
                  (i64.load8_s
                    (i32.load
                      (i32.add
                        (local.get 3)
                        (i32.const 8)))))
                (i64.const 31))
              (i64.load8_s
                (i32.load
                  (i32.add
                    (local.get 3)
                    (i32.const 12))))))
          (local.set 3
            (i32.add
              (local.get 3)
              (i32.const 16)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 4)
              (local.tee 1
                (i32.add
                  (local.get 1)
                  (i32.const 4))))))
        (br_if 1 (;@1;)
          (i32.eqz
            (local.get 2))))
      (local.set 3
        (i32.add
          (i32.shl
            (local.get 1)
            (i32.const 2))
          (i32.const 1148576)))
      (loop  ;; label = @2
        (local.set 8
          (i64.add
            (i64.mul
              (local.get 8)
              (i64.const 31))
            (i64.load8_s
              (i32.load
                (local.get 3)))))
        (local.set 3
          (i32.add
            (local.get 3)
            (i32.const 4)))
        (br_if 0 (;@2;)
          (local.tee 2
            (i32.add
              (local.get 2)
              (i32.const -1))))))
    (local.get 8))
  (memory (;0;) 19)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 0)))
