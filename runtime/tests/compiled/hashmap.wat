(module
  (type (;0;) (func (result i64)))
  (func (;0;) (type 0) (result i64)
    (local i32 i32 i64 i32 i32 i32 i32 i32 i32 i64)
    (local.set 0
      (i32.const -32768))
    (loop  ;; label = @1
      (i64.store
        (i32.add
          (local.get 0)
          (i32.const 1081368))
        (i64.const -1))
      (i64.store
        (i32.add
          (local.get 0)
          (i32.const 1081360))
        (i64.const -1))
      (i64.store
        (i32.add
          (local.get 0)
          (i32.const 1081352))
        (i64.const -1))
      (i64.store
        (i32.add
          (local.get 0)
          (i32.const 1081344))
        (i64.const -1))
      (br_if 0 (;@1;)
        (local.tee 0
          (i32.add
            (local.get 0)
            (i32.const 32)))))
    (local.set 1
      (i32.const 7))
    (local.set 2
      (i64.const 0))
    (local.set 3
      (i32.const 0))
    (loop  ;; label = @1
      (block  ;; label = @2
        (block  ;; label = @3
          (block  ;; label = @4
            (br_if 0 (;@4;)
              (i32.lt_s
                (local.tee 6
                  (i32.load offset=1048576
                    (local.tee 5
                      (i32.and
                        (i32.shr_u
                          (i32.mul
                            (local.tee 4
                              (i32.rem_u
                                (i32.shr_u
                                  (local.tee 1
                                    (i32.add
                                      (i32.mul
                                        (local.get 1)
                                        (i32.const 1664525))
                                      (i32.const 1013904223)))
                                  (i32.const 12))
                                (i32.const 15000)))
                            (i32.const -1640531527))
                          (i32.const 17))
                        (i32.const 32764)))))
                (i32.const 0)))
            (local.set 0
              (local.get 6))
            (loop  ;; label = @5
              (local.set 8
                (i32.add
                  (local.tee 7
                    (i32.shl
                      (local.get 0)
                      (i32.const 4)))
                  (i32.const 1081344)))
              (br_if 2 (;@3;)
                (i32.eq
                  (i32.load offset=1081344
                    (local.get 7))
                  (local.get 4)))
              (br_if 0 (;@5;)
                (i32.gt_s
                  (local.tee 0
                    (i32.load offset=4
                      (local.get 8)))
                  (i32.const -1)))))
          (i32.store
            (i32.add
              (local.get 5)
              (i32.const 1048576))
            (local.get 3))
          (local.set 9
            (i64.const 0))
          (i64.store
            (i32.add
              (local.tee 0
                (i32.shl
                  (local.get 3)
                  (i32.const 4)))
              (i32.const 1081352))
            (i64.const 0))
          (i32.store
            (i32.add
              (local.get 0)
              (i32.const 1081344))
            (local.get 4))
          (i32.store
            (i32.add
              (local.get 0)
              (i32.const 1081348))
            (local.get 6))
          (local.set 0
            (local.get 3))
          (local.set 3
            (local.tee 7
              (i32.add
                (local.get 3)
                (i32.const 1))))
          (br 1 (;@2;)))
        (local.set 9
          (i64.load offset=8
            (local.get 8)))
        (local.set 7
          (local.get 3)))
      (i64.store
        (i32.add
          (i32.shl
            (local.get 0)
            (i32.const 4))
          (i32.const 1081352))
        (i64.add
          (local.get 9)
          (local.get 2)))
      (br_if 0 (;@1;)
        (i64.ne
          (local.tee 2
            (i64.add
              (local.get 2)
              (i64.const 1)))
          (i64.const 100000))))
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.ge_s
          (local.get 7)
          (i32.const 1)))
      (return
        (i64.const 0)))
    (local.set 8
      (i32.and
        (local.get 7)
        (i32.const 3)))
    (block  ;; label = @1
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.ge_u
              (local.get 7)
              (i32.const 4)))
          (local.set 2
            (i64.const 0))
          (local.set 7
            (i32.const 0))
          (br 1 (;@2;)))
        (local.set 4
          (i32.and
            (local.get 7)
            (i32.const 2147483644)))
        (local.set 2
          (i64.const 0))
        (local.set 7
          (i32.const 0))
        (local.set 0
          (i32.const 1081400))
        (loop  ;; label = @3
          (local.set 2
            (i64.add
              (i64.load
                (local.get 0))
              (i64.mul
                (i64.add
                  (i64.load
                    (i32.add
                      (local.get 0)
                      (i32.const -16)))
                  (i64.mul
                    (i64.add
                      (i64.load
                        (i32.add
                          (local.get 0)
                          (i32.const -32)))
                      (i64.mul
                        (i64.add
                          (i64.load
                            (i32.add
                              (local.get 0)
                              (i32.const -48)))
                          (i64.mul
                            (local.get 2)
                            (i64.const 31)))
                        (i64.const 31)))
                    (i64.const 31)))
                (i64.const 31))))
          (local.set 0
            (i32.add
              (local.get 0)
              (i32.const 64)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 4)
              (local.tee 7
                (i32.add
                  (local.get 7)
                  (i32.const 4))))))
        (br_if 1 (;@1;)
          (i32.eqz
            (local.get 8))))
      (local.set 0
        (i32.add
          (i32.shl
            (local.get 7)
            (i32.const 4))
          (i32.const 1081352)))
      (loop  ;; label = @2
        (local.set 2
          (i64.add
            (i64.load
              (local.get 0))
            (i64.mul
              (local.get 2)
              (i64.const 31))))
        (local.set 0
          (i32.add
            (local.get 0)
            (i32.const 16)))
        (br_if 0 (;@2;)
          (local.tee 8
            (i32.add
              (local.get 8)
              (i32.const -1))))))
    (local.get 2))
  (memory (;0;) 22)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 0)))
