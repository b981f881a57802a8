(module
  (type (;0;) (func (param i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32) (result i32)))
  (type (;2;) (func (param i32 i32) (result i32)))
  (type (;3;) (func (param i32) (result i32)))
  (type (;4;) (func (result i64)))
  (func (;0;) (type 0) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.lt_s
          (local.get 3)
          (i32.const 1)))
      (local.set 6
        (i32.and
          (local.tee 5
            (select
              (local.tee 4
                (i32.shl
                  (local.get 3)
                  (i32.const 1)))
              (i32.const 1)
              (i32.gt_s
                (local.get 4)
                (i32.const 1))))
          (i32.const 7)))
      (local.set 7
        (i32.const 0))
      (block  ;; label = @2
        (block  ;; label = @3
          (br_if 0 (;@3;)
            (i32.lt_s
              (local.get 4)
              (i32.const 8)))
          (local.set 5
            (i32.and
              (local.get 5)
              (i32.const 2147483640)))
          (local.set 7
            (i32.const 0))
          (local.set 4
            (local.get 2))
          (loop  ;; label = @4
            (i64.store align=4
              (local.get 4)
              (i64.const 0))
            (i64.store align=4
              (i32.add
                (local.get 4)
                (i32.const 24))
              (i64.const 0))
            (i64.store align=4
              (i32.add
                (local.get 4)
                (i32.const 16))
              (i64.const 0))
            (i64.store align=4
              (i32.add
                (local.get 4)
                (i32.const 8))
              (i64.const 0))
            (local.set 4
              (i32.add
                (local.get 4)
                (i32.const 32)))
            (br_if 0 (;@4;)
              (i32.ne
                (local.get 5)
                (local.tee 7
                  (i32.add
                    (local.get 7)
                    (i32.const 8))))))
          (br_if 1 (;@2;)
            (i32.eqz
              (local.get 6))))
        (local.set 4
          (i32.add
            (local.get 2)
            (i32.shl
              (local.get 7)
              (i32.const 2))))
        (loop  ;; label = @3
          (i32.store
            (local.get 4)
            (i32.const 0))
          (local.set 4
            (i32.add
              (local.get 4)
              (i32.const 4)))
          (br_if 0 (;@3;)
            (local.tee 6
              (i32.add
                (local.get 6)
                (i32.const -1))))))
      (local.set 8
        (i32.and
          (local.get 3)
          (i32.const 2147483646)))
      (local.set 9
        (i32.and
          (local.get 3)
          (i32.const 1)))
      (local.set 10
        (i32.add
          (local.get 2)
          (i32.shl
            (local.get 3)
            (i32.const 2))))
      (local.set 11
        (i32.const 0))
      (local.set 12
        (local.get 2))
      (loop  ;; label = @2
        (local.set 5
          (i32.add
            (local.get 0)
            (local.tee 13
              (i32.shl
                (local.get 11)
                (i32.const 2)))))
        (local.set 14
          (i64.const 0))
        (local.set 7
          (i32.const 0))
        (block  ;; label = @3
          (block  ;; label = @4
            (br_if 0 (;@4;)
              (i32.eq
                (local.get 3)
                (i32.const 1)))
            (local.set 14
              (i64.const 0))
            (local.set 7
              (i32.const 0))
            (local.set 4
              (local.get 12))
            (local.set 6
              (local.get 1))
            (loop  ;; label = @5
              (i64.store32
                (local.get 4)
                (local.tee 14
                  (i64.add
                    (i64.add
                      (local.get 14)
                      (i64.load32_u
                        (local.get 4)))
                    (i64.mul
                      (i64.load32_u
                        (local.get 6))
                      (i64.load32_u
                        (local.get 5))))))
              (i64.store32
                (local.tee 15
                  (i32.add
                    (local.get 4)
                    (i32.const 4)))
                (local.tee 14
                  (i64.add
                    (i64.add
                      (i64.shr_u
                        (local.get 14)
                        (i64.const 32))
                      (i64.load32_u
                        (local.get 15)))
                    (i64.mul
                      (i64.load32_u
                        (i32.add
                          (local.get 6)
                          (i32.const 4)))
                      (i64.load32_u
                        (local.get 5))))))
              (local.set 14
                (i64.shr_u
                  (local.get 14)
                  (i64.const 32)))
              (local.set 4
                (i32.add
                  (local.get 4)
                  (i32.const 8)))
              (local.set 6
                (i32.add
                  (local.get 6)
                  (i32.const 8)))
              (br_if 0 (;@5;)
                (i32.ne
                  (local.get 8)
                  (local.tee 7
                    (i32.add
                      (local.get 7)
                      (i32.const 2))))))
            (br_if 1 (;@3;)
              (i32.eqz
                (local.get 9))))
          (i64.store32
            (local.tee 6
              (i32.add
                (i32.add
                  (local.get 2)
                  (local.get 13))
                (local.tee 4
                  (i32.shl
                    (local.get 7)
                    (i32.const 2)))))
            (local.tee 14
              (i64.add
                (i64.add
                  (local.get 14)
                  (i64.load32_u
                    (local.get 6)))
                (i64.mul
                  (i64.load32_u
                    (i32.add
                      (local.get 1)
                      (local.get 4)))
                  (i64.load32_u
                    (local.get 5))))))
          (local.set 14
            (i64.shr_u
              (local.get 14)
              (i64.const 32))))
        (i64.store32
          (i32.add
            (local.get 10)
            (local.get 13))
          (local.get 14))
        (local.set 12
          (i32.add
            (local.get 12)
            (i32.const 4)))
        (br_if 0 (;@2;)
          (i32.ne
            (local.tee 11
              (i32.add
                (local.get 11)
                (i32.const 1)))
            (local.get 3))))))
  (func (;1;) (type 1) (param i32 i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i64)
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.ge_s
          (local.get 2)
          (i32.const 1)))
      (return
        (i32.const 0)))
    (local.set 3
      (i32.const 0))
    (local.set 4
      (i32.const 0))
    (block  ;; label = @1
      (block  ;; label = @2
        (br_if 0 (;@2;)
          (i32.eq
            (local.get 2)
            (i32.const 1)))
        (local.set 5
          (i32.and
            (local.get 2)
            (i32.const 1)))
        (local.set 6
          (i32.and
            (local.get 2)
            (i32.const 2147483646)))
        (local.set 3
          (i32.const 0))
        (local.set 2
          (local.get 0))
        (local.set 7
          (local.get 1))
        (local.set 4
          (i32.const 0))
        (loop  ;; label = @3
          (i64.store
            (local.get 2)
            (local.tee 8
              (i64.and
                (i64.load
                  (local.get 2))
                (i64.xor
                  (i64.load
                    (local.get 7))
                  (i64.const -1)))))
          (i64.store
            (local.tee 9
              (i32.add
                (local.get 2)
                (i32.const 8)))
            (local.tee 10
              (i64.and
                (i64.load
                  (local.get 9))
                (i64.xor
                  (i64.load
                    (i32.add
                      (local.get 7)
                      (i32.const 8)))
                  (i64.const -1)))))
          (local.set 4
            (i32.add
              (i32.add
                (local.get 4)
                (i32.wrap_i64
                  (i64.popcnt
                    (local.get 8))))
              (i32.wrap_i64
                (i64.popcnt
                  (local.get 10)))))
          (local.set 2
            (i32.add
              (local.get 2)
              (i32.const 16)))
          (local.set 7
            (i32.add
              (local.get 7)
              (i32.const 16)))
          (br_if 0 (;@3;)
            (i32.ne
              (local.get 6)
              (local.tee 3
                (i32.add
                  (local.get 3)
                  (i32.const 2))))))
        (br_if 1 (;@1;)
          (i32.eqz
            (local.get 5))))
      (i64.store
        (local.tee 7
          (i32.add
            (local.get 0)
            (local.tee 2
              (i32.shl
                (local.get 3)
                (i32.const 3)))))
        (local.tee 8
          (i64.and
            (i64.load
              (local.get 7))
            (i64.xor
              (i64.load
                (i32.add
                  (local.get 1)
                  (local.get 2)))
              (i64.const -1)))))
      (local.set 4
        (i32.add
          (local.get 4)
          (i32.wrap_i64
            (i64.popcnt
              (local.get 8))))))
    (local.get 4))
  (func (;2;) (type 2) (param i32 i32) (result i32)
    (i32.wrap_i64
      (i64.shr_u
        (i64.mul
          (i64.extend_i32_s
            (local.get 1))
          (i64.extend_i32_s
            (local.get 0)))
        (i64.const 16))))
  (func (;3;) (type 3) (param i32) (result i32)
    (local i32 i32 i32 i32 i32)
    (block  ;; label = @1
      (br_if 0 (;@1;)
        (i32.ge_s
          (local.get 0)
          (i32.const 1)))
      (return
        (i32.const 65536)))
    (local.set 1
      (i32.const 1234))
    (local.set 2
      (i32.const 0))
    (local.set 3
      (i32.const 65536))
    (loop  ;; label = @1
      (local.set 4
        (call 2
          (local.get 3)
          (i32.const 65524)))
      (local.set 5
        (call 2
          (local.get 2)
          (local.get 1)))
      (local.set 1
        (i32.add
          (local.get 1)
          (i32.wrap_i64
            (i64.shr_s
              (i64.mul
                (i64.extend_i32_s
                  (local.tee 2
                    (i32.add
                      (call 2
                        (local.get 3)
                        (local.get 1))
                      (call 2
                        (local.get 2)
                        (i32.const 65524)))))
                (i64.extend_i32_s
                  (local.tee 4
                    (i32.sub
                      (local.get 4)
                      (local.get 5)))))
              (i64.const 40)))))
      (local.set 3
        (local.get 4))
      (br_if 0 (;@1;)
        (local.tee 0
          (i32.add
            (local.get 0)
            (i32.const -1)))))
    (i32.add
      (local.get 4)
      (local.get 2)))
  (func (;4;) (type 4) (result i64)
    (local i32 i32 i64 i64 i64)
    (local.set 0
      (i32.const 1))
    (local.set 1
      (i32.const -256))
    (loop  ;; label = @1
      (i32.store
        (i32.add
          (local.get 1)
          (i32.const 1049088))
        (i32.add
          (i32.mul
            (local.get 0)
            (i32.const 389569705))
          (i32.const 1196435762)))
      (i32.store
        (i32.add
          (local.get 1)
          (i32.const 1048832))
        (i32.add
          (i32.mul
            (local.get 0)
            (i32.const 1664525))
          (i32.const 1013904223)))
      (i32.store
        (i32.add
          (local.get 1)
          (i32.const 1048836))
        (i32.add
          (i32.mul
            (local.get 0)
            (i32.const -1354167659))
          (i32.const -775096599)))
      (i32.store
        (i32.add
          (local.get 1)
          (i32.const 1049092))
        (local.tee 0
          (i32.add
            (i32.mul
              (local.get 0)
              (i32.const 158984081))
            (i32.const -1426500812))))
      (br_if 0 (;@1;)
        (local.tee 1
          (i32.add
            (local.get 1)
            (i32.const 8)))))
    (local.set 2
      (i64.const 0))
    (local.set 3
      (i64.const -7046029254386353131))
    (local.set 1
      (i32.const 0))
    (loop  ;; label = @1
      (i64.store
        (i32.add
          (local.get 1)
          (i32.const 1049088))
        (i64.add
          (local.get 3)
          (i64.const 7046029254386353131)))
      (i64.store
        (i32.add
          (local.get 1)
          (i32.const 1049096))
        (local.get 3))
      (i64.store
        (i32.add
          (local.get 1)
          (i32.const 1051136))
        (i64.mul
          (i64.mul
            (local.get 2)
            (local.get 2))
          (local.get 2)))
      (i64.store
        (i32.add
          (local.get 1)
          (i32.const 1051144))
        (i64.mul
          (i64.mul
            (local.tee 4
              (i64.add
                (local.get 2)
                (i64.const 1)))
            (local.get 4))
          (local.get 4)))
      (local.set 1
        (i32.add
          (local.get 1)
          (i32.const 16)))
      (local.set 3
        (i64.add
          (local.get 3)
          (i64.const 4354685564936845354)))
      (br_if 0 (;@1;)
        (i64.ne
          (local.tee 2
            (i64.add
              (local.get 2)
              (i64.const 2)))
          (i64.const 256))))
    (call 0
      (i32.const 1048576)
      (i32.const 1048832)
      (i32.const 1053184)
      (i32.const 64))
    (local.set 1
      (call 1
        (i32.const 1049088)
        (i32.const 1051136)
        (i32.const 256)))
    (local.set 2
      (i64.add
        (i64.extend_i32_s
          (call 3
            (i32.const 1000)))
        (i64.extend_i32_s
          (local.get 1))))
    (local.set 1
      (i32.const -512))
    (loop  ;; label = @1
      (local.set 2
        (i64.add
          (i64.mul
            (i64.add
              (i64.mul
                (i64.add
                  (i64.mul
                    (i64.add
                      (i64.mul
                        (local.get 2)
                        (i64.const 31))
                      (i64.load32_u
                        (i32.add
                          (local.get 1)
                          (i32.const 1053696))))
                    (i64.const 31))
                  (i64.load32_u
                    (i32.add
                      (local.get 1)
                      (i32.const 1053700))))
                (i64.const 31))
              (i64.load32_u
                (i32.add
                  (local.get 1)
                  (i32.const 1053704))))
            (i64.const 31))
          (i64.load32_u
            (i32.add
              (local.get 1)
              (i32.const 1053708)))))
      (br_if 0 (;@1;)
        (local.tee 1
          (i32.add
            (local.get 1)
            (i32.const 16)))))
    (local.get 2))
  (memory (;0;) 17)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 4)))
