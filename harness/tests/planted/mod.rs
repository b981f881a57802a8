//! Workers and adapters that lie or fail, shared by the tests that plant them.
#![allow(dead_code, reason = "each test program takes a part of it")]

pub(crate) mod adapter;
pub(crate) mod worker;
