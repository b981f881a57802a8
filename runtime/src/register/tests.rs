//! Tests of the tier: what programs give, and every fused form against `numeric.rs`.
