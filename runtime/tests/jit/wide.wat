;; 128-bit arithmetic: carries, borrows, whole products.
(module
  (func $add (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $sub (param i64 i64 i64 i64) (result i64 i64) (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $signed (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func $high (param i64 i64) (result i64) (i64.mul_wide_u (local.get 0) (local.get 1)) (local.set 0) (drop) (local.get 0)))
