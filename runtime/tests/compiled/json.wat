(module
  (type (;0;) (func (result i64)))
  (type (;1;) (func (param i32) (result i32)))
  (func (;0;) (type 0) (result i64)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 f64 i64)
    (global.set 0
      (local.tee 0
        (i32.sub
          (global.get 0)
          (i32.const 16))))
    (local.set 1
      (i32.const 0))
    (i32.store8 offset=1048576
      (i32.const 0)
      (i32.const 91))
    (local.set 2
      (i32.add
        (i32.add
          (local.get 0)
          (i32.const 4))
        (i32.const -4)))
    (local.set 3
      (i32.add
        (i32.add
          (local.get 0)
          (i32.const 4))
        (i32.const -1)))
    (local.set 4
      (i32.const 1048577))
    (local.set 5
      (i32.const 9))
    (loop  ;; label = @1
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.eqz
            (local.get 1)))
        (i32.store8
          (local.get 4)
          (i32.const 44))
        (local.set 4
          (i32.add
            (local.get 4)
            (i32.const 1))))
      (i32.store16 offset=4 align=1
        (local.get 4)
        (i32.const 8250))
      (i32.store align=1
        (local.get 4)
        (i32.const 577446523))
      (local.set 6
        (i32.shr_u
          (local.tee 5
            (i32.add
              (i32.mul
                (local.get 5)
                (i32.const 1664525))
              (i32.const 1013904223)))
          (i32.const 8)))
      (local.set 7
        (i32.const 0))
      (local.set 8
        (i32.const 1))
      (loop  ;; label = @2
        (i32.store8
          (i32.add
            (i32.add
              (local.get 0)
              (i32.const 4))
            (local.get 7))
          (i32.or
            (i32.sub
              (local.get 6)
              (i32.mul
                (local.tee 9
                  (i32.div_u
                    (local.get 6)
                    (i32.const 10)))
                (i32.const 10)))
            (i32.const 48)))
        (local.set 8
          (i32.add
            (local.tee 10
              (local.get 8))
            (i32.const 1)))
        (local.set 7
          (i32.add
            (local.get 7)
            (i32.const 1)))
        (local.set 11
          (i32.gt_u
            (local.get 6)
            (i32.const 9)))
        (local.set 6
          (local.get 9))
        (br_if 0 (;@2;)
          (local.get 11)))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.and
              (local.get 7)
              (i32.const 3)))
          (local.set 6
            (i32.add
              (local.get 4)
              (i32.const 6)))
          (local.set 8
            (local.get 7))
          (br 1 (;@2;)))
        (local.set 9
          (i32.add
            (local.get 3)
            (local.get 7)))
        (local.set 6
          (i32.const 0))
        (local.set 11
          (i32.sub
            (i32.const 0)
            (i32.and
              (local.get 10)
              (i32.const 3))))
        (local.set 8
          (i32.const 6))
        (loop  ;; label = @3
          (i32.store8
            (i32.add
              (local.get 4)
              (local.get 8))
            (i32.load8_u
              (i32.add
                (local.get 9)
                (local.get 6))))
          (local.set 8
            (i32.add
              (local.get 8)
              (i32.const 1)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 11)
              (local.tee 6
                (i32.add
                  (local.get 6)
                  (i32.const -1))))))
        (local.set 8
          (i32.add
            (local.get 7)
            (local.get 6)))
        (local.set 6
          (i32.add
            (local.tee 9
              (i32.sub
                (local.get 4)
                (local.get 6)))
            (i32.const 6)))
        (local.set 4
          (i32.add
            (local.get 9)
            (i32.const 5))))
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.lt_u
            (i32.add
              (local.get 7)
              (i32.const -1))
            (i32.const 3)))
        (loop  ;; label = @3
          (i32.store8
            (local.get 6)
            (i32.load8_u
              (i32.add
                (local.tee 7
                  (i32.add
                    (local.get 2)
                    (local.get 8)))
                (i32.const 3))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 1))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 2))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 2))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 1))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 3))
            (i32.load8_u
              (local.get 7)))
          (local.set 6
            (i32.add
              (local.get 6)
              (i32.const 4)))
          (br_if 0 (;@3;)
            (local.tee 8
              (i32.add
                (local.get 8)
                (i32.const -4)))))
        (local.set 4
          (i32.add
            (local.get 6)
            (i32.const -1))))
      (i32.store8
        (local.get 6)
        (i32.const 46))
      (local.set 7
        (i32.const 0))
      (local.set 8
        (i32.const 1))
      (local.set 6
        (local.get 1))
      (loop  ;; label = @2
        (i32.store8
          (i32.add
            (i32.add
              (local.get 0)
              (i32.const 4))
            (local.get 7))
          (i32.or
            (i32.sub
              (local.get 6)
              (i32.mul
                (local.tee 9
                  (i32.div_u
                    (local.get 6)
                    (i32.const 10)))
                (i32.const 10)))
            (i32.const 48)))
        (local.set 8
          (i32.add
            (local.tee 10
              (local.get 8))
            (i32.const 1)))
        (local.set 7
          (i32.add
            (local.get 7)
            (i32.const 1)))
        (local.set 11
          (i32.gt_u
            (local.get 6)
            (i32.const 9)))
        (local.set 6
          (local.get 9))
        (br_if 0 (;@2;)
          (local.get 11)))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.and
              (local.get 7)
              (i32.const 3)))
          (local.set 6
            (i32.add
              (local.get 4)
              (i32.const 2)))
          (local.set 8
            (local.get 7))
          (br 1 (;@2;)))
        (local.set 9
          (i32.add
            (local.get 3)
            (local.get 7)))
        (local.set 6
          (i32.const 0))
        (local.set 11
          (i32.sub
            (i32.const 0)
            (i32.and
              (local.get 10)
              (i32.const 3))))
        (local.set 8
          (i32.const 2))
        (loop  ;; label = @3
          (i32.store8
            (i32.add
              (local.get 4)
              (local.get 8))
            (i32.load8_u
              (i32.add
                (local.get 9)
                (local.get 6))))
          (local.set 8
            (i32.add
              (local.get 8)
              (i32.const 1)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 11)
              (local.tee 6
                (i32.add
                  (local.get 6)
                  (i32.const -1))))))
        (local.set 8
          (i32.add
            (local.get 7)
            (local.get 6)))
        (local.set 6
          (i32.add
            (local.tee 9
              (i32.sub
                (local.get 4)
                (local.get 6)))
            (i32.const 2)))
        (local.set 4
          (i32.add
            (local.get 9)
            (i32.const 1))))
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.lt_u
            (i32.add
              (local.get 7)
              (i32.const -1))
            (i32.const 3)))
        (loop  ;; label = @3
          (i32.store8
            (local.get 6)
            (i32.load8_u
              (i32.add
                (local.tee 7
                  (i32.add
                    (local.get 2)
                    (local.get 8)))
                (i32.const 3))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 1))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 2))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 2))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 1))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 3))
            (i32.load8_u
              (local.get 7)))
          (local.set 6
            (i32.add
              (local.get 6)
              (i32.const 4)))
          (br_if 0 (;@3;)
            (local.tee 8
              (i32.add
                (local.get 8)
                (i32.const -4)))))
        (local.set 4
          (i32.add
            (local.get 6)
            (i32.const -1))))
      (i32.store8
        (local.get 6)
        (i32.const 44))
      (i32.store16 offset=6 align=1
        (local.get 4)
        (i32.const 11611))
      (i32.store offset=2 align=1
        (local.get 4)
        (i32.const 975331618))
      (local.set 6
        (i32.mul
          (local.get 1)
          (local.get 1)))
      (local.set 7
        (i32.const 0))
      (local.set 8
        (i32.const 1))
      (loop  ;; label = @2
        (i32.store8
          (i32.add
            (i32.add
              (local.get 0)
              (i32.const 4))
            (local.get 7))
          (i32.or
            (i32.sub
              (local.get 6)
              (i32.mul
                (local.tee 9
                  (i32.div_u
                    (local.get 6)
                    (i32.const 10)))
                (i32.const 10)))
            (i32.const 48)))
        (local.set 8
          (i32.add
            (local.tee 10
              (local.get 8))
            (i32.const 1)))
        (local.set 7
          (i32.add
            (local.get 7)
            (i32.const 1)))
        (local.set 11
          (i32.gt_u
            (local.get 6)
            (i32.const 9)))
        (local.set 6
          (local.get 9))
        (br_if 0 (;@2;)
          (local.get 11)))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.and
              (local.get 7)
              (i32.const 3)))
          (local.set 6
            (i32.add
              (local.get 4)
              (i32.const 8)))
          (local.set 8
            (local.get 7))
          (br 1 (;@2;)))
        (local.set 9
          (i32.add
            (local.get 3)
            (local.get 7)))
        (local.set 6
          (i32.const 0))
        (local.set 11
          (i32.sub
            (i32.const 0)
            (i32.and
              (local.get 10)
              (i32.const 3))))
        (local.set 8
          (i32.const 8))
        (loop  ;; label = @3
          (i32.store8
            (i32.add
              (local.get 4)
              (local.get 8))
            (i32.load8_u
              (i32.add
                (local.get 9)
                (local.get 6))))
          (local.set 8
            (i32.add
              (local.get 8)
              (i32.const 1)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 11)
              (local.tee 6
                (i32.add
                  (local.get 6)
                  (i32.const -1))))))
        (local.set 8
          (i32.add
            (local.get 7)
            (local.get 6)))
        (local.set 6
          (i32.add
            (local.tee 9
              (i32.sub
                (local.get 4)
                (local.get 6)))
            (i32.const 8)))
        (local.set 9
          (i32.add
            (local.get 9)
            (i32.const 7))))
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.lt_u
            (i32.add
              (local.get 7)
              (i32.const -1))
            (i32.const 3)))
        (loop  ;; label = @3
          (i32.store8
            (local.get 6)
            (i32.load8_u
              (i32.add
                (local.tee 7
                  (i32.add
                    (local.get 2)
                    (local.get 8)))
                (i32.const 3))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 1))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 2))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 2))
            (i32.load8_u
              (i32.add
                (local.get 7)
                (i32.const 1))))
          (i32.store8
            (i32.add
              (local.get 6)
              (i32.const 3))
            (i32.load8_u
              (local.get 7)))
          (local.set 6
            (i32.add
              (local.get 6)
              (i32.const 4)))
          (br_if 0 (;@3;)
            (local.tee 8
              (i32.add
                (local.get 8)
                (i32.const -4)))))
        (local.set 9
          (i32.add
            (local.get 6)
            (i32.const -1))))
      (i32.store8
        (local.get 6)
        (i32.const 44))
      (i32.store16 offset=6 align=1
        (local.get 9)
        (i32.const 32093))
      (i32.store offset=2 align=1
        (local.get 9)
        (i32.const 578385954))
      (local.set 4
        (i32.add
          (local.get 9)
          (i32.const 8)))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 1
            (i32.add
              (local.get 1)
              (i32.const 1)))
          (i32.const 700))))
    (i32.store16 offset=8 align=1
      (local.get 9)
      (i32.const 93))
    (i32.store offset=1088576
      (i32.const 0)
      (i32.const 0))
    (i32.store offset=1088580
      (i32.const 0)
      (i32.const 0))
    (drop
      (call 1
        (i32.const 1048576)))
    (block  ;; label = @1
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.ge_s
            (local.tee 11
              (i32.load offset=1088576
                (i32.const 0)))
            (i32.const 1)))
        (local.set 12
          (i64.const 0))
        (br 1 (;@1;)))
      (local.set 7
        (i32.and
          (local.get 11)
          (i32.const 3)))
      (local.set 13
        (f64.const 0x0p+0 (;=0;)))
      (local.set 8
        (i32.const 0))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.lt_u
              (local.get 11)
              (i32.const 4)))
          (local.set 9
            (i32.and
              (local.get 11)
              (i32.const 2147483644)))
          (local.set 13
            (f64.const 0x0p+0 (;=0;)))
          (local.set 8
            (i32.const 0))
          (local.set 6
            (i32.const 1088592))
          (loop  ;; label = @4
            (local.set 13
              (f64.add
                (f64.add
                  (f64.add
                    (f64.add
                      (local.get 13)
                      (f64.load
                        (local.get 6)))
                    (f64.load
                      (i32.add
                        (local.get 6)
                        (i32.const 8))))
                  (f64.load
                    (i32.add
                      (local.get 6)
                      (i32.const 16))))
                (f64.load
                  (i32.add
                    (local.get 6)
                    (i32.const 24)))))
            (local.set 6
              (i32.add
                (local.get 6)
                (i32.const 32)))
            (br_if 0 (;@4;)
              (i32.ne
                (local.get 9)
                (local.tee 8
                  (i32.add
                    (local.get 8)
                    (i32.const 4))))))
          (br_if 1 (;@2;)
            (i32.eqz
              (local.get 7))))
        (local.set 6
          (i32.add
            (i32.shl
              (local.get 8)
              (i32.const 3))
            (i32.const 1088592)))
        (loop  ;; label = @3
          (local.set 13
            (f64.add
              (local.get 13)
              (f64.load
                (local.get 6))))
          (local.set 6
            (i32.add
              (local.get 6)
              (i32.const 8)))
          (br_if 0 (;@3;)
            (local.tee 7
              (i32.add
                (local.get 7)
                (i32.const -1))))))
      (local.set 12
        (i64.trunc_sat_f64_s
          (local.get 13))))
    (local.set 14
      (i64.load32_u offset=1152592
        (i32.const 0)))
    (global.set 0
      (i32.add
        (local.get 0)
        (i32.const 16)))
    (i64.add
      (local.get 14)
      (i64.add
        (i64.mul
          (i64.extend_i32_s
            (local.get 11))
          (i64.const 1000000))
        (local.get 12))))
  (func (;1;) (type 1) (param i32) (result i32)
    (local i32 i32 f64 i32 i32 f64)
    (block  ;; label = @1
      (loop  ;; label = @2
        (block  ;; label = @3
          (block  ;; label = @4
            (block  ;; label = @5
              (block  ;; label = @6
                (block  ;; label = @7
                  (br_table 4 (;@3;) 4 (;@3;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 2 (;@5;) 4 (;@3;) 2 (;@5;) 1 (;@6;) 0 (;@7;)
                    (i32.add
                      (local.tee 1
                        (i32.load8_u
                          (local.get 0)))
                      (i32.const -9))))
                (br_if 2 (;@4;)
                  (i32.eq
                    (local.get 1)
                    (i32.const 91)))
                (br_if 1 (;@5;)
                  (i32.ne
                    (local.get 1)
                    (i32.const 123)))
                (local.set 0
                  (i32.add
                    (local.get 0)
                    (i32.const 1)))
                (loop  ;; label = @7
                  (br_if 6 (;@1;)
                    (i32.gt_u
                      (local.tee 1
                        (i32.add
                          (local.tee 2
                            (i32.load8_u
                              (local.get 0)))
                          (i32.const -9)))
                      (i32.const 23)))
                  (br_if 6 (;@1;)
                    (i32.eqz
                      (i32.and
                        (i32.shl
                          (i32.const 1)
                          (local.get 1))
                        (i32.const 8388611))))
                  (local.set 0
                    (i32.add
                      (local.get 0)
                      (i32.const 1)))
                  (br 0 (;@7;))))
              (block  ;; label = @6
                (br_if 0 (;@6;)
                  (i32.eq
                    (local.tee 1
                      (i32.load8_u
                        (local.tee 0
                          (i32.add
                            (local.get 0)
                            (i32.const 1)))))
                    (i32.const 34)))
                (loop  ;; label = @7
                  (br_if 0 (;@7;)
                    (i32.ne
                      (local.tee 1
                        (i32.load8_u
                          (local.tee 0
                            (i32.add
                              (local.get 0)
                              (select
                                (i32.const 2)
                                (i32.const 1)
                                (i32.eq
                                  (i32.and
                                    (local.get 1)
                                    (i32.const 255))
                                  (i32.const 92)))))))
                      (i32.const 34)))))
              (return
                (i32.add
                  (local.get 0)
                  (i32.const 1))))
            (local.set 3
              (f64.const 0x0p+0 (;=0;)))
            (block  ;; label = @5
              (br_if 0 (;@5;)
                (i32.gt_u
                  (i32.and
                    (i32.add
                      (local.tee 5
                        (i32.load8_u
                          (local.tee 4
                            (i32.add
                              (local.get 0)
                              (local.tee 2
                                (i32.eq
                                  (local.get 1)
                                  (i32.const 45)))))))
                      (i32.const -48))
                    (i32.const 255))
                  (i32.const 9)))
              (local.set 3
                (f64.const 0x0p+0 (;=0;)))
              (loop  ;; label = @6
                (local.set 3
                  (f64.add
                    (f64.mul
                      (local.get 3)
                      (f64.const 0x1.4p+3 (;=10;)))
                    (f64.convert_i32_u
                      (i32.and
                        (i32.add
                          (local.get 5)
                          (i32.const -48))
                        (i32.const 255)))))
                (local.set 5
                  (i32.add
                    (local.get 0)
                    (local.get 2)))
                (local.set 2
                  (local.tee 4
                    (i32.add
                      (local.get 2)
                      (i32.const 1))))
                (br_if 0 (;@6;)
                  (i32.lt_u
                    (i32.and
                      (i32.add
                        (local.tee 5
                          (i32.load8_u
                            (i32.add
                              (local.get 5)
                              (i32.const 1))))
                        (i32.const -48))
                      (i32.const 255))
                    (i32.const 10))))
              (local.set 4
                (i32.add
                  (local.get 0)
                  (local.get 4))))
            (block  ;; label = @5
              (block  ;; label = @6
                (br_if 0 (;@6;)
                  (i32.eq
                    (i32.and
                      (local.get 5)
                      (i32.const 255))
                    (i32.const 46)))
                (local.set 0
                  (local.get 4))
                (br 1 (;@5;)))
              (local.set 0
                (i32.add
                  (local.get 4)
                  (i32.const 1)))
              (br_if 0 (;@5;)
                (i32.gt_u
                  (i32.and
                    (i32.add
                      (local.tee 2
                        (i32.load8_u offset=1
                          (local.get 4)))
                      (i32.const -48))
                    (i32.const 255))
                  (i32.const 9)))
              (local.set 6
                (f64.const 0x1.999999999999ap-4 (;=0.1;)))
              (loop  ;; label = @6
                (local.set 3
                  (f64.add
                    (f64.mul
                      (local.get 6)
                      (f64.convert_i32_u
                        (i32.and
                          (i32.add
                            (local.get 2)
                            (i32.const -48))
                          (i32.const 255))))
                    (local.get 3)))
                (local.set 6
                  (f64.mul
                    (local.get 6)
                    (f64.const 0x1.999999999999ap-4 (;=0.1;))))
                (br_if 0 (;@6;)
                  (i32.lt_u
                    (i32.and
                      (i32.add
                        (local.tee 2
                          (i32.load8_u
                            (local.tee 0
                              (i32.add
                                (local.get 0)
                                (i32.const 1)))))
                        (i32.const -48))
                      (i32.const 255))
                    (i32.const 10)))))
            (block  ;; label = @5
              (br_if 0 (;@5;)
                (i32.gt_s
                  (local.tee 2
                    (i32.load offset=1088576
                      (i32.const 0)))
                  (i32.const 7999)))
              (i32.store offset=1088576
                (i32.const 0)
                (i32.add
                  (local.get 2)
                  (i32.const 1)))
              (f64.store
                (i32.add
                  (i32.shl
                    (local.get 2)
                    (i32.const 3))
                  (i32.const 1088592))
                (select
                  (f64.neg
                    (local.get 3))
                  (local.get 3)
                  (i32.eq
                    (local.get 1)
                    (i32.const 45)))))
            (return
              (local.get 0)))
          (i32.store offset=1088580
            (i32.const 0)
            (local.tee 1
              (i32.add
                (local.tee 5
                  (i32.load offset=1088580
                    (i32.const 0)))
                (i32.const 1))))
          (block  ;; label = @4
            (br_if 0 (;@4;)
              (i32.lt_s
                (local.get 5)
                (i32.load offset=1152592
                  (i32.const 0))))
            (i32.store offset=1152592
              (i32.const 0)
              (local.get 1)))
          (local.set 0
            (i32.add
              (local.get 0)
              (i32.const 1)))
          (block  ;; label = @4
            (loop  ;; label = @5
              (br_if 1 (;@4;)
                (i32.gt_u
                  (local.tee 1
                    (i32.add
                      (local.tee 2
                        (i32.load8_u
                          (local.get 0)))
                      (i32.const -9)))
                  (i32.const 23)))
              (br_if 1 (;@4;)
                (i32.eqz
                  (i32.and
                    (i32.shl
                      (i32.const 1)
                      (local.get 1))
                    (i32.const 8388611))))
              (local.set 0
                (i32.add
                  (local.get 0)
                  (i32.const 1)))
              (br 0 (;@5;))))
          (block  ;; label = @4
            (br_if 0 (;@4;)
              (i32.eq
                (local.get 2)
                (i32.const 93)))
            (loop  ;; label = @5
              (local.set 0
                (call 1
                  (local.get 0)))
              (block  ;; label = @6
                (block  ;; label = @7
                  (loop  ;; label = @8
                    (block  ;; label = @9
                      (br_table 0 (;@9;) 0 (;@9;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 0 (;@9;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 3 (;@6;) 2 (;@7;) 3 (;@6;)
                        (i32.add
                          (i32.load8_u
                            (local.get 0))
                          (i32.const -9))))
                    (local.set 0
                      (i32.add
                        (local.get 0)
                        (i32.const 1)))
                    (br 0 (;@8;))))
                (local.set 0
                  (i32.add
                    (local.get 0)
                    (i32.const 1)))
                (br 1 (;@5;))))
            (local.set 5
              (i32.add
                (i32.load offset=1088580
                  (i32.const 0))
                (i32.const -1))))
          (i32.store offset=1088580
            (i32.const 0)
            (local.get 5))
          (return
            (i32.add
              (local.get 0)
              (i32.const 1))))
        (local.set 0
          (i32.add
            (local.get 0)
            (i32.const 1)))
        (br 0 (;@2;))))
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.eq
          (local.get 2)
          (i32.const 125)))
      (loop  ;; label = @2
        (local.set 1
          (i32.load8_u
            (local.get 0)))
        (local.set 0
          (i32.add
            (local.get 0)
            (i32.const 1)))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.gt_u
              (local.tee 1
                (i32.add
                  (local.get 1)
                  (i32.const -9)))
              (i32.const 23)))
          (br_if 1 (;@2;)
            (i32.and
              (i32.shl
                (i32.const 1)
                (local.get 1))
              (i32.const 8388611))))
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.eq
              (local.tee 1
                (i32.load8_u
                  (local.get 0)))
              (i32.const 34)))
          (loop  ;; label = @4
            (br_if 0 (;@4;)
              (i32.ne
                (local.tee 1
                  (i32.load8_u
                    (local.tee 0
                      (i32.add
                        (local.get 0)
                        (select
                          (i32.const 2)
                          (i32.const 1)
                          (i32.eq
                            (i32.and
                              (local.get 1)
                              (i32.const 255))
                            (i32.const 92)))))))
                (i32.const 34)))))
        (local.set 0
          (i32.add
            (local.get 0)
            (i32.const 2)))
        (block  ;; label = @3
          (loop  ;; label = @4
            (br_if 1 (;@3;)
              (i32.gt_u
                (local.tee 1
                  (i32.add
                    (i32.load8_u
                      (i32.add
                        (local.get 0)
                        (i32.const -1)))
                    (i32.const -9)))
                (i32.const 23)))
            (br_if 1 (;@3;)
              (i32.eqz
                (i32.and
                  (i32.shl
                    (i32.const 1)
                    (local.get 1))
                  (i32.const 8388611))))
            (local.set 0
              (i32.add
                (local.get 0)
                (i32.const 1)))
            (br 0 (;@4;))))
        (local.set 0
          (call 1
            (local.get 0)))
        (block  ;; label = @3
          (loop  ;; label = @4
            (block  ;; label = @5
              (br_table 0 (;@5;) 0 (;@5;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 0 (;@5;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 4 (;@1;) 2 (;@3;) 4 (;@1;)
                (i32.add
                  (i32.load8_u
                    (local.get 0))
                  (i32.const -9))))
            (local.set 0
              (i32.add
                (local.get 0)
                (i32.const 1)))
            (br 0 (;@4;))))
        (local.set 0
          (i32.add
            (local.get 0)
            (i32.const 1)))
        (br 0 (;@2;))))
    (i32.add
      (local.get 0)
      (i32.const 1)))
  (memory (;0;) 18)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 0)))
