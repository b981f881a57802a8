; 3121 is a prime: there is no answer.
(set-logic QF_BV)
(declare-fun x () (_ BitVec 24))
(declare-fun y () (_ BitVec 24))
(assert (= (bvmul x y) (_ bv3121 24)))
(assert (bvule x y))
(assert (bvult (_ bv1 24) x))
(assert (bvult y (_ bv4096 24)))
(check-sat)
