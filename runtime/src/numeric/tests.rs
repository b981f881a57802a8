//! Tests of the numeric functions: a table of literal operands and results, which has cases for
//! every row of the opcode table's scalar numeric groups.
//!
//! A line is `mnemonic operands => results`, or `=> trap` and the spec's message. Integers are
//! decimal or hexadecimal; floats are decimal, `inf`, or their bits in hexadecimal, as all NaNs
//! are.

use std::collections::HashMap;

use super::*;
use crate::evaluate::{Slots, evaluator};
use crate::ops::{Op, SigType, Signature};

const CASES: &str = include_str!("cases.txt");

fn parse_integer(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None if text.starts_with('-') => text.parse::<i64>().unwrap() as u64,
        None => text.parse().unwrap(),
    }
}

fn parse(ty: SigType, text: &str) -> u64 {
    match ty {
        SigType::I32 => parse_integer(text) as u32 as u64,
        SigType::I64 => parse_integer(text),
        SigType::F32 if text.starts_with("0x") => parse_integer(text),
        SigType::F64 if text.starts_with("0x") => parse_integer(text),
        SigType::F32 => text.parse::<f32>().unwrap().into_slot(),
        SigType::F64 => text.parse::<f64>().unwrap().into_slot(),
        SigType::V128 | SigType::Ref | SigType::Addr => panic!("no scalar: {ty:?}"),
    }
}

fn parse_all(types: &[SigType], text: &str) -> Vec<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words.len(), types.len(), "{text}");
    types
        .iter()
        .zip(words)
        .map(|(&ty, word)| parse(ty, word))
        .collect()
}

/// Slots or the trap's message, as text in hexadecimal.
fn show(outcome: Result<Vec<u64>, &str>) -> String {
    match outcome {
        Ok(slots) => format!("{slots:#x?}")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        Err(message) => format!("trap {message}"),
    }
}

fn check(op: Op, operands: &str, results: &str) {
    let Signature::Fixed {
        params,
        results: types,
    } = op.row().signature
    else {
        panic!("{op:?} has no fixed signature")
    };
    let expected = match results.strip_prefix("trap ") {
        Some(message) => Err(message),
        None => Ok(parse_all(types, results)),
    };
    let evaluate = evaluator(op).unwrap_or_else(|| panic!("{op:?} is not numeric"));
    let outcome = match evaluate(&parse_all(params, operands)) {
        Ok(Slots::One(slot)) => Ok(vec![slot]),
        Ok(Slots::Two(low, high)) => Ok(vec![low, high]),
        Err(trap) => Err(trap.message()),
    };
    assert_eq!(
        show(outcome),
        show(expected),
        "{} {operands} => {results}",
        op.mnemonic()
    );
}

#[test]
fn every_numeric_row_gives_the_results_of_the_table() {
    let by_name: HashMap<&str, Op> = Op::ALL.iter().map(|&op| (op.mnemonic(), op)).collect();
    let mut cases: HashMap<Op, usize> = HashMap::new();
    for line in CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (call, results) = line
            .split_once("=>")
            .unwrap_or_else(|| panic!("no `=>`: {line}"));
        let (name, operands) = call.trim().split_once(' ').unwrap();
        let op = *by_name
            .get(name)
            .unwrap_or_else(|| panic!("no opcode: {line}"));
        check(op, operands, results.trim());
        *cases.entry(op).or_default() += 1;
    }
    for &op in Op::ALL {
        let count = cases.get(&op).copied().unwrap_or(0);
        assert_eq!(
            evaluator(op).is_some(),
            count > 0,
            "{op:?} has {count} cases"
        );
        assert!(
            evaluator(op).is_none() || count >= 2,
            "{op:?} has {count} cases"
        );
    }
}

#[test]
fn slots_hold_the_bits_zero_extended() {
    assert_eq!(u32::MAX.into_slot(), 0xFFFF_FFFF);
    assert_eq!(u32::from_slot(0xDEAD_BEEF_0000_0001), 1);
    assert_eq!((-1.5f32).into_slot(), 0xBFC0_0000);
    assert_eq!(f32::from_slot(0xFFFF_FFFF_7FA0_0001).to_bits(), 0x7FA0_0001);
    assert_eq!((-0.0f64).into_slot(), 1 << 63);
    assert_eq!(
        f64::from_slot(0x7FF4_0000_0000_0001).into_slot(),
        0x7FF4_0000_0000_0001
    );
    assert_eq!(true.into_slot(), 1);
    assert!(!bool::from_slot(0xFFFF_FFFF_0000_0000));
}
