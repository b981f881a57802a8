(module
  (type (;0;) (func (result i64)))
  (type (;1;) (func (param i32 i32)))
  (func (;0;) (type 0) (result i64)
    (local i32 i32 i32 i64 i64)
    (global.set 0
      (local.tee 0
        (i32.sub
          (global.get 0)
          (i32.const 32))))
    (i64.store offset=24
      (local.get 0)
      (i64.load offset=1048600
        (i32.const 0)))
    (i64.store offset=16
      (local.get 0)
      (i64.load offset=1048592
        (i32.const 0)))
    (i64.store offset=8
      (local.get 0)
      (i64.load offset=1048584
        (i32.const 0)))
    (i64.store
      (local.get 0)
      (i64.load offset=1048576
        (i32.const 0)))
    (local.set 1
      (i32.const 3))
    (loop  ;; label = @1
      (i32.store8
        (i32.add
          (local.get 1)
          (i32.const 1048864))
        (local.tee 2
          (i32.mul
            (local.get 1)
            (i32.const 7))))
      (i32.store8
        (i32.add
          (local.get 1)
          (i32.const 1048863))
        (i32.add
          (local.get 2)
          (i32.const -7)))
      (i32.store8
        (i32.add
          (local.get 1)
          (i32.const 1048862))
        (i32.add
          (local.get 2)
          (i32.const -14)))
      (i32.store8
        (i32.add
          (local.get 1)
          (i32.const 1048861))
        (i32.add
          (local.get 2)
          (i32.const -21)))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 1
            (i32.add
              (local.get 1)
              (i32.const 4)))
          (i32.const 65539))))
    (local.set 1
      (i32.const -64))
    (loop  ;; label = @1
      (call 1
        (local.get 0)
        (i32.add
          (local.get 1)
          (i32.const 1048928)))
      (br_if 0 (;@1;)
        (i32.lt_u
          (local.tee 1
            (i32.add
              (local.get 1)
              (i32.const 64)))
          (i32.const 65472))))
    (local.set 3
      (i64.load32_u
        (local.get 0)))
    (local.set 4
      (i64.load32_u offset=28
        (local.get 0)))
    (global.set 0
      (i32.add
        (local.get 0)
        (i32.const 32)))
    (i64.or
      (local.get 4)
      (i64.shl
        (local.get 3)
        (i64.const 32))))
  (func (;1;) (type 1) (param i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (global.set 0
      (local.tee 2
        (i32.sub
          (global.get 0)
          (i32.const 256))))
    (local.set 3
      (i32.const 0))
    (loop  ;; label = @1
      (i32.store
        (i32.add
          (local.get 2)
          (local.get 3))
        (i32.or
          (i32.rotr
            (i32.and
              (local.tee 4
                (i32.load align=1
                  (i32.add
                    (local.get 1)
                    (local.get 3))))
              (i32.const 16711935))
            (i32.const 8))
          (i32.and
            (i32.rotr
              (local.get 4)
              (i32.const 24))
            (i32.const 16711935))))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 3
            (i32.add
              (local.get 3)
              (i32.const 4)))
          (i32.const 64))))
    (local.set 4
      (i32.const 0))
    (loop  ;; label = @1
      (i32.store
        (i32.add
          (local.tee 3
            (i32.add
              (local.get 2)
              (local.get 4)))
          (i32.const 64))
        (i32.add
          (i32.add
            (i32.add
              (i32.xor
                (i32.xor
                  (i32.rotl
                    (local.tee 1
                      (i32.load
                        (i32.add
                          (local.get 3)
                          (i32.const 4))))
                    (i32.const 25))
                  (i32.rotl
                    (local.get 1)
                    (i32.const 14)))
                (i32.shr_u
                  (local.get 1)
                  (i32.const 3)))
              (i32.load
                (local.get 3)))
            (i32.load
              (i32.add
                (local.get 3)
                (i32.const 36))))
          (i32.xor
            (i32.xor
              (i32.rotl
                (local.tee 3
                  (i32.load
                    (i32.add
                      (local.get 3)
                      (i32.const 56))))
                (i32.const 15))
              (i32.rotl
                (local.get 3)
                (i32.const 13)))
            (i32.shr_u
              (local.get 3)
              (i32.const 10)))))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 4
            (i32.add
              (local.get 4)
              (i32.const 4)))
          (i32.const 192))))
    (local.set 1
      (i32.const 0))
    (local.set 6
      (local.tee 5
        (i32.load offset=28
          (local.get 0))))
    (local.set 8
      (local.tee 7
        (i32.load offset=24
          (local.get 0))))
    (local.set 10
      (local.tee 9
        (i32.load offset=20
          (local.get 0))))
    (local.set 12
      (local.tee 11
        (i32.load offset=16
          (local.get 0))))
    (local.set 14
      (local.tee 13
        (i32.load offset=12
          (local.get 0))))
    (local.set 16
      (local.tee 15
        (i32.load offset=8
          (local.get 0))))
    (local.set 18
      (local.tee 17
        (i32.load offset=4
          (local.get 0))))
    (local.set 20
      (local.tee 19
        (i32.load
          (local.get 0))))
    (loop  ;; label = @1
      (local.set 20
        (i32.add
          (i32.add
            (i32.xor
              (i32.and
                (i32.xor
                  (local.tee 21
                    (local.get 16))
                  (local.tee 22
                    (local.get 18)))
                (local.tee 3
                  (local.get 20)))
              (i32.and
                (local.get 21)
                (local.get 22)))
            (i32.xor
              (i32.xor
                (i32.rotl
                  (local.get 3)
                  (i32.const 30))
                (i32.rotl
                  (local.get 3)
                  (i32.const 19)))
              (i32.rotl
                (local.get 3)
                (i32.const 10))))
          (local.tee 12
            (i32.add
              (i32.add
                (i32.add
                  (i32.add
                    (local.get 6)
                    (i32.xor
                      (i32.xor
                        (i32.rotl
                          (local.tee 4
                            (local.get 12))
                          (i32.const 26))
                        (i32.rotl
                          (local.get 4)
                          (i32.const 21)))
                      (i32.rotl
                        (local.get 4)
                        (i32.const 7))))
                  (i32.xor
                    (i32.and
                      (i32.xor
                        (local.tee 23
                          (local.get 10))
                        (local.tee 24
                          (local.get 8)))
                      (local.get 4))
                    (local.get 24)))
                (i32.load
                  (i32.add
                    (local.get 1)
                    (i32.const 1048608))))
              (i32.load
                (i32.add
                  (local.get 2)
                  (local.get 1)))))))
      (local.set 12
        (i32.add
          (local.get 12)
          (local.get 14)))
      (local.set 6
        (local.get 24))
      (local.set 8
        (local.get 23))
      (local.set 10
        (local.get 4))
      (local.set 14
        (local.get 21))
      (local.set 16
        (local.get 22))
      (local.set 18
        (local.get 3))
      (br_if 0 (;@1;)
        (i32.ne
          (local.tee 1
            (i32.add
              (local.get 1)
              (i32.const 4)))
          (i32.const 256))))
    (i32.store offset=28
      (local.get 0)
      (i32.add
        (local.get 24)
        (local.get 5)))
    (i32.store offset=24
      (local.get 0)
      (i32.add
        (local.get 23)
        (local.get 7)))
    (i32.store offset=20
      (local.get 0)
      (i32.add
        (local.get 4)
        (local.get 9)))
    (i32.store offset=16
      (local.get 0)
      (i32.add
        (local.get 12)
        (local.get 11)))
    (i32.store offset=12
      (local.get 0)
      (i32.add
        (local.get 21)
        (local.get 13)))
    (i32.store offset=8
      (local.get 0)
      (i32.add
        (local.get 22)
        (local.get 15)))
    (i32.store offset=4
      (local.get 0)
      (i32.add
        (local.get 3)
        (local.get 17)))
    (i32.store
      (local.get 0)
      (i32.add
        (local.get 20)
        (local.get 19)))
    (global.set 0
      (i32.add
        (local.get 2)
        (i32.const 256))))
  (memory (;0;) 18)
  (global (;0;) (mut i32) (i32.const 1048576))
  (export "memory" (memory 0))
  (export "run" (func 0))
  (data (;0;) (i32.const 1048576) "g\e6\09j\85\aeg\bbr\f3n<:\f5O\a5\7fR\0eQ\8ch\05\9b\ab\d9\83\1f\19\cd\e0[\98/\8aB\91D7q\cf\fb\c0\b5\a5\db\b5\e9[\c2V9\f1\11\f1Y\a4\82?\92\d5^\1c\ab\98\aa\07\d8\01[\83\12\be\851$\c3}\0cUt]\ber\fe\b1\de\80\a7\06\dc\9bt\f1\9b\c1\c1i\9b\e4\86G\be\ef\c6\9d\c1\0f\cc\a1\0c$o,\e9-\aa\84tJ\dc\a9\b0\5c\da\88\f9vRQ>\98m\c61\a8\c8'\03\b0\c7\7fY\bf\f3\0b\e0\c6G\91\a7\d5Qc\ca\06g))\14\85\0a\b7'8!\1b.\fcm,M\13\0d8STs\0ae\bb\0ajv.\c9\c2\81\85,r\92\a1\e8\bf\a2Kf\1a\a8p\8bK\c2\a3Ql\c7\19\e8\92\d1$\06\99\d6\855\0e\f4p\a0j\10\16\c1\a4\19\08l7\1eLwH'\b5\bc\b04\b3\0c\1c9J\aa\d8NO\ca\9c[\f3o.h\ee\82\8ftoc\a5x\14x\c8\84\08\02\c7\8c\fa\ff\be\90\eblP\a4\f7\a3\f9\be\f2xq\c6"))
