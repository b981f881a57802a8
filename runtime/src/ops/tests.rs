//! Tests of the opcode table: against wasmparser's operators, against the text format, against
//! itself.

use std::collections::HashMap;

use super::*;

/// A row of wasmparser's own list.
struct Known {
    proposal: &'static str,
    name: &'static str,
    arity: &'static str,
}

macro_rules! known_operators {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident
        ($($arity:tt)*) )*) => {
        const KNOWN: &[Known] = &[$(Known {
            proposal: stringify!($proposal),
            name: stringify!($op),
            arity: stringify!($($arity)*),
        }),*];
    };
}

wasmparser::for_each_operator!(known_operators);

fn op_name(op: Op) -> String {
    format!("{op:?}")
}

/// wasmparser's name of a proposal, by ours.
fn wasmparser_key(proposal: Proposal) -> String {
    match proposal {
        Proposal::NontrappingFloatToInt => "saturating_float_to_int".into(),
        other => other.key().replace('-', "_"),
    }
}

#[test]
fn every_wasmparser_operator_has_a_row() {
    let rows: HashMap<String, Op> = Op::ALL.iter().map(|&op| (op_name(op), op)).collect();
    for known in KNOWN {
        let op = rows
            .get(known.name)
            .unwrap_or_else(|| panic!("{} has no row", known.name));
        assert_eq!(
            wasmparser_key(op.proposal()),
            known.proposal,
            "{}",
            known.name
        );
    }
    assert_eq!(
        KNOWN.len(),
        Op::ALL.len(),
        "rows that wasmparser does not know"
    );
}

#[test]
fn signatures_have_the_arity_that_wasmparser_says() {
    for known in KNOWN {
        let op = Op::ALL
            .iter()
            .find(|&&op| op_name(op) == known.name)
            .unwrap();
        let Signature::Fixed { params, results } = op.row().signature else {
            continue;
        };
        let arity: String = format!("arity{}->{}", params.len(), results.len());
        let said: String = known.arity.replace([' ', '\n'], "").replace("memarg", "");
        assert_eq!(arity, said, "{}", known.name);
    }
}

#[test]
fn rows_stand_at_their_discriminants() {
    for (i, &op) in Op::ALL.iter().enumerate() {
        assert_eq!(op as usize, i);
        assert_eq!(op.row().op, op);
    }
}

#[test]
fn bytes_are_unique_and_lead_back_to_the_row() {
    for &op in Op::ALL {
        let row = op.row();
        let expected = if op == Op::TypedSelectMulti {
            Op::TypedSelect
        } else {
            op
        };
        assert_eq!(
            Op::from_bytes(row.prefix, row.code),
            Some(expected),
            "{op:?}"
        );
    }
    assert_eq!(Op::from_bytes(None, 0xFF), None);
    assert_eq!(Op::from_bytes(None, 0xFD), None);
    assert_eq!(Op::from_bytes(Some(0xFD), u32::MAX), None);
    assert_eq!(Op::from_bytes(Some(0x20), 0), None);
}

#[test]
fn mnemonics_are_unique_but_for_the_forms_of_one_instruction() {
    let mut by_name: HashMap<&str, Vec<Op>> = HashMap::new();
    for &op in Op::ALL {
        by_name.entry(op.mnemonic()).or_default().push(op);
    }
    for (name, ops) in by_name {
        let expected: &[Op] = match name {
            "select" => &[Op::Select, Op::TypedSelect, Op::TypedSelectMulti],
            "ref.test" => &[Op::RefTestNonNull, Op::RefTestNullable],
            "ref.cast" => &[Op::RefCastNonNull, Op::RefCastNullable],
            "ref.cast_desc_eq" => &[Op::RefCastDescEqNonNull, Op::RefCastDescEqNullable],
            _ => &ops[..1],
        };
        assert_eq!(ops, expected, "{name}");
    }
}

/// The parts of a vector row's mnemonic that its columns say too.
fn columns_of<T>(lanes: Lanes<T>) -> (String, Option<&'static str>, Option<&'static str>) {
    let half = lanes.half.map(|half| match half {
        Half::Low => "_low_",
        Half::High => "_high_",
    });
    let sign = lanes.sign.map(|sign| match sign {
        Sign::Signed => "_s",
        Sign::Unsigned => "_u",
    });
    (format!("{:?}", lanes.shape).to_lowercase(), half, sign)
}

#[test]
fn columns_of_vector_rows_agree_with_mnemonics() {
    let mut checked = 0;
    for row in &ROWS {
        let (operation, (shape, half, sign)) = match row.vector {
            VectorRow::ExtractLane(lanes) => ("ExtractLane".into(), columns_of(lanes)),
            VectorRow::ReplaceLane(lanes) => ("ReplaceLane".into(), columns_of(lanes)),
            VectorRow::Splat(lanes) => ("Splat".into(), columns_of(lanes)),
            VectorRow::Reduce(lanes) => (format!("{:?}", lanes.operation), columns_of(lanes)),
            VectorRow::Unary(lanes) => (format!("{:?}", lanes.operation), columns_of(lanes)),
            VectorRow::Binary(lanes) => (format!("{:?}", lanes.operation), columns_of(lanes)),
            VectorRow::Shift(lanes) => (format!("{:?}", lanes.operation), columns_of(lanes)),
            VectorRow::Ternary(lanes) => (format!("{:?}", lanes.operation), columns_of(lanes)),
            _ => continue,
        };
        checked += 1;
        let name = row.mnemonic;
        let (prefix, rest) = name.split_once('.').unwrap();
        assert_eq!(shape, prefix, "{name}");
        let signs = ["_s", "_u"].into_iter();
        let expected_sign = signs
            .clone()
            .find(|sign| rest.ends_with(sign) || rest.ends_with(&format!("{sign}_zero")));
        assert_eq!(sign, expected_sign, "{name}");
        let widens = operation == "Extend" || operation == "ExtMul";
        let halves = ["_low_", "_high_"].into_iter();
        let expected_half = halves.clone().find(|half| widens && rest.contains(half));
        assert_eq!(half, expected_half, "{name}");
        // What is left of the mnemonic without these and the shape of the operands.
        let words = rest.split('_').filter(|word| {
            let is_shape = word.contains('x') && word.ends_with(|c: char| c.is_ascii_digit());
            let is_column = half.is_some_and(|half| half.trim_matches('_') == *word)
                || sign.is_some_and(|sign| sign[1..] == **word);
            !is_shape && !is_column
        });
        assert_eq!(
            operation.to_lowercase(),
            words.collect::<String>(),
            "{name}"
        );
    }
    let is_vector = |op: &&Op| {
        let shape = op.shape();
        shape >= Shape::SimdExtractLane && shape <= Shape::SimdTernary
    };
    assert_eq!(checked, Op::ALL.iter().filter(is_vector).count());
}

#[test]
fn parts_of_vector_accesses_fit_together() {
    let signature = |op: Op| match op.row().signature {
        Signature::Fixed { params, results } => (params, results),
        Signature::Special => panic!("{op:?} has a fixed signature"),
    };
    for row in &ROWS {
        let (loads, puts) = match row.vector {
            VectorRow::LoadThen { load, then } => (load, then),
            VectorRow::LoadLane { load, replace } => (load, replace),
            VectorRow::StoreLane { extract, store } => {
                assert_eq!(signature(extract).1, &signature(store).0[1..], "{row:?}");
                continue;
            }
            _ => continue,
        };
        assert_eq!(
            signature(loads).1.last(),
            signature(puts).0.last(),
            "{row:?}"
        );
    }
}

#[test]
fn proposal_keys_are_unique() {
    let mut keys: Vec<_> = Proposal::ALL.iter().map(|p| p.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), Proposal::ALL.len());
}

/// The shortest text of an instruction.
fn text_of(op: Op) -> String {
    let immediates = match op.row().imms {
        Imms::None | Imms::MemArg | Imms::AtomicMemArg | Imms::Ordering => "",
        Imms::BlockType | Imms::TryTable => "end",
        Imms::Label | Imms::Func | Imms::Type | Imms::Local | Imms::Global | Imms::Table => "0",
        Imms::Elem | Imms::Memory | Imms::MemoryInit | Imms::Data | Imms::Tag => "0",
        Imms::MemArgLane | Imms::Lane | Imms::Resume => "0",
        Imms::I32 | Imms::I64 | Imms::F32 | Imms::F64 => "0",
        Imms::BrTable | Imms::StructField | Imms::TypeCount | Imms::TypeData => "0 0",
        Imms::TypeElem | Imms::TypeType | Imms::TypeTag | Imms::TableInit => "0 0",
        Imms::TableCopy | Imms::MemoryCopy | Imms::ResumeThrow => "0 0",
        Imms::CallIndirect => "(type 0)",
        Imms::SelectTypes if op == Op::TypedSelectMulti => "(result i32 i32)",
        Imms::SelectTypes => "(result i32)",
        Imms::V128 => "i64x2 0 0",
        Imms::Lanes => "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        Imms::HeapType if op == Op::RefNull => "func",
        Imms::HeapType if format!("{op:?}").ends_with("Nullable") => "(ref null func)",
        Imms::HeapType => "(ref func)",
        Imms::BrOnCast => "0 anyref anyref",
        Imms::AtomicIndex => "seqcst 0",
        Imms::AtomicField => "seqcst 0 0",
    };
    format!("{} {immediates}", op.mnemonic())
}

/// A function body in which the instruction may stand, as far as nesting is concerned.
fn body_text(op: Op) -> String {
    let text = text_of(op);
    match op {
        Op::Else => format!("if {text} end"),
        Op::Catch | Op::CatchAll => format!("try {text} end"),
        Op::Delegate => format!("try {text}"),
        Op::End => String::new(),
        _ => text,
    }
}

fn assemble(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let mut wat =
        wast::parser::parse::<wast::Wat<'_>>(&buffer).unwrap_or_else(|e| panic!("{e}: {text}"));
    wat.encode().unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The operators of a module's functions, as wasmparser reads them, with their bytes.
fn operators(module: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let wasmparser::Payload::CodeSectionEntry(body) = payload.unwrap() else {
            continue;
        };
        let mut reader = body.get_operators_reader().unwrap();
        while !reader.eof() {
            let start = reader.original_position() as usize;
            let operator = format!("{:?}", reader.read().unwrap());
            let name = operator.split([' ', '{', '(']).next().unwrap().to_string();
            found.push((
                name,
                module[start..reader.original_position() as usize].to_vec(),
            ));
        }
    }
    found
}

/// The opcode as the binary format writes it.
fn encoded(row: &Row) -> Vec<u8> {
    let mut bytes = Vec::from_iter(row.prefix);
    let mut code = row.code;
    if row.prefix.is_some() {
        while code >= 0x80 {
            bytes.push(code as u8 | 0x80);
            code >>= 7;
        }
    }
    bytes.push(code as u8);
    bytes
}

#[test]
fn text_and_bytes_of_every_row_mean_the_same_operator() {
    for &op in Op::ALL {
        let module = assemble(&format!("(module (type (func)) (func {}))", body_text(op)));
        let found = operators(&module);
        let name = op_name(op);
        let (_, bytes) = found
            .iter()
            .find(|(found, _)| *found == name)
            .unwrap_or_else(|| panic!("{name}: `{}` is read as {found:?}", body_text(op)));
        assert!(bytes.starts_with(&encoded(op.row())), "{name}: {bytes:x?}");
    }
}
