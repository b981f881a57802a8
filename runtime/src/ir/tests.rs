//! Tests over every row of the instruction table: each field is met once, in the role that its type
//! demands, and the printed form of each row is as written here.

use super::build;
use super::inst::{Inst, samplers};
use super::{BlockId, Callee, FuncIr, List, MemoryPlace, Operand, OperandKind, Role, Slot, Type};
use crate::engine::{Config, Engine, Tier};
use crate::ir::Imm;
use crate::module::ModuleParts;
use crate::ops::{Effects, Imms, Op};
use crate::trap::TrapKind;
use crate::types::{AbstractHeapType, HeapType, RefType};

/// The instructions of one row.
pub(super) struct Sampler {
    pub(super) row: &'static str,
    pub(super) draw: fn(&mut Draw) -> Inst,
}

/// A field of a drawn instruction that the visitor must report, as its type demands.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Def(Slot),
    Use(Operand),
    List(List),
    Label(BlockId),
    Imm(u128),
}

/// Draws an instruction of a row, with a different value in each of its fields.
pub(super) struct Draw {
    func: FuncIr,
    /// The opcode for the row's field, if it has one.
    op: Op,
    drawn: u32,
    expected: Vec<(&'static str, Expected)>,
}

/// A type of fields.
pub(super) trait Sample {
    fn sample(draw: &mut Draw, row: &str, field: &'static str) -> Self;
}

impl Draw {
    pub(super) fn field<T: Sample>(&mut self, row: &str, field: &'static str) -> T {
        self.drawn += 1;
        T::sample(self, row, field)
    }

    fn expect(&mut self, field: &'static str, expected: Expected) {
        self.expected.push((field, expected));
    }
}

impl Sample for Op {
    fn sample(draw: &mut Draw, _: &str, _: &'static str) -> Op {
        draw.op
    }
}

impl Sample for Type {
    fn sample(_: &mut Draw, _: &str, _: &'static str) -> Type {
        Type::F64
    }
}

impl Sample for Slot {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> Slot {
        let slot = Slot(100 + draw.drawn);
        draw.expect(field, Expected::Def(slot));
        slot
    }
}

impl Sample for Operand {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> Operand {
        let operand = Operand::slot(Slot(200 + draw.drawn));
        draw.expect(field, Expected::Use(operand));
        operand
    }
}

impl Sample for BlockId {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> BlockId {
        let block = BlockId(300 + draw.drawn);
        draw.expect(field, Expected::Label(block));
        block
    }
}

impl Sample for List {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> List {
        let (lists, labels) = (&mut draw.func.lists, &mut draw.func.labels);
        let list = List {
            start: lists.len() as u32,
            len: 7,
        };
        lists.extend((0..list.len).map(|i| Operand::slot(Slot(400 + i))));
        labels.resize(list.start as usize, BlockId(0));
        labels.extend((0..list.len).map(|i| BlockId(400 + i)));
        draw.expect(field, Expected::List(list));
        list
    }
}

/// Indices that are valid in the module below, and each different from the others of a row.
impl Sample for u32 {
    fn sample(draw: &mut Draw, row: &str, field: &'static str) -> u32 {
        let value = match field {
            "offset" | "lanes" => {
                let index = draw.func.consts.len() as u32;
                draw.func.consts.extend([0x1234, 0x5678]);
                let low = 0x1234;
                let bits = if field == "lanes" {
                    0x5678 << 64 | low
                } else {
                    low
                };
                draw.expect(field, Expected::Imm(bits));
                return index;
            }
            "type_index" if format!("{row}{:?}", draw.op).contains("Struct") => 1,
            "type_index" if format!("{row}{:?}", draw.op).contains("Array") => 2,
            "type_index" => 3,
            "b" if row == "Helper" => 0,
            "memory" | "a" => 1,
            "table" | "field" | "b" => 2,
            "global" => 3,
            "func" => 4,
            "tag" => 5,
            "cost" => 6,
            other => panic!("{row}: give a value for the field `{other}`"),
        };
        let two = matches!(
            draw.op.row().imms,
            Imms::MemoryInit
                | Imms::MemoryCopy
                | Imms::TableInit
                | Imms::TableCopy
                | Imms::TypeCount
                | Imms::TypeData
                | Imms::TypeElem
                | Imms::TypeType
        );
        if field != "b" || two {
            draw.expect(field, Expected::Imm(value.into()));
        }
        value
    }
}

/// The callee that the drawn opcode has; for the opcodes that are not calls, a function.
impl Sample for Callee {
    fn sample(draw: &mut Draw, row: &str, field: &'static str) -> Callee {
        let op = draw.op;
        let mut index = |name| draw.field(row, name);
        match op.mnemonic().trim_start_matches("return_") {
            "call_indirect" => Callee::Indirect {
                table: index("table"),
                type_index: index("type_index"),
            },
            "call_ref" => Callee::Ref {
                type_index: index("type_index"),
            },
            _ => Callee::Func(index(if field == "callee" { "func" } else { field })),
        }
    }
}

impl Sample for MemoryPlace {
    fn sample(draw: &mut Draw, row: &str, _: &'static str) -> MemoryPlace {
        MemoryPlace {
            memory: draw.field(row, "memory"),
            addr: draw.field(row, "addr"),
            offset: draw.field(row, "offset"),
        }
    }
}

impl Sample for u8 {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> u8 {
        draw.expect(field, Expected::Imm(7));
        7
    }
}

impl Sample for bool {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> bool {
        draw.expect(field, Expected::Imm(1));
        true
    }
}

impl Sample for RefType {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> RefType {
        draw.expect(field, Expected::Imm(1));
        RefType {
            nullable: true,
            heap: HeapType::Abstract(AbstractHeapType::Any),
        }
    }
}

impl Sample for TrapKind {
    fn sample(draw: &mut Draw, _: &str, field: &'static str) -> TrapKind {
        draw.expect(field, Expected::Imm(TrapKind::NullReference as u128));
        TrapKind::NullReference
    }
}

/// The number in an immediate.
fn number(imm: Imm) -> u128 {
    match imm {
        Imm::Func(n)
        | Imm::Type(n)
        | Imm::Table(n)
        | Imm::Memory(n)
        | Imm::Global(n)
        | Imm::Element(n)
        | Imm::Data(n)
        | Imm::Tag(n)
        | Imm::Cost(n)
        | Imm::Field(n)
        | Imm::Count(n) => n.into(),
        Imm::Offset(n) => n.into(),
        Imm::Lane(n) => n.into(),
        Imm::Lanes(n) => n,
        Imm::Trap(kind) => kind as u128,
        Imm::RefType(ty) => u128::from(ty.nullable),
        Imm::Nullable(nullable) => nullable.into(),
    }
}

/// A function in a module that has all indices which are drawn.
fn func() -> FuncIr {
    let wat = r#"(module
        (type (func)) (type (struct (field i8 (mut f32) v128))) (type (array (mut i64)))
        (type (func (param i32 v128) (result f32 v128 anyref))) (type (func (param i64 f64)))
        (memory 1) (memory i64 1) (table 1 funcref) (table i64 1 funcref) (table 1 funcref)
        (global i32 (i32.const 0)) (global i32 (i32.const 0)) (global i32 (i32.const 0))
        (global i32 (i32.const 0))
        (tag) (tag) (tag) (tag) (tag) (tag (type 4))
        (func (type 3) unreachable) (func) (func) (func) (func (type 3) unreachable))"#;
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
    let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
    build(
        &ModuleParts::new(&engine, &wat.encode().unwrap()).unwrap(),
        0,
    )
    .unwrap()
}

/// Calls `f` with an instruction of each row and each of its opcodes, and with its drawing.
fn for_each_sample(mut f: impl FnMut(&'static str, Inst, &Draw)) {
    let func = func();
    for sampler in samplers() {
        let mut count = 0;
        for &op in Op::ALL {
            let mut draw = Draw {
                func: func.clone(),
                op,
                drawn: 0,
                expected: Vec::new(),
            };
            let inst = (sampler.draw)(&mut draw);
            if inst.has_valid_opcode() {
                f(sampler.row, inst, &draw);
                count += 1;
            }
            let text = format!("{inst:?}");
            if !text.contains("op:") && !text.contains("callee:") {
                break;
            }
        }
        assert!(count > 0, "{}: no opcode is allowed", sampler.row);
    }
}

/// Compares what the visitor says with what the types of the fields demand.
fn missing(inst: Inst, draw: &Draw) -> Option<String> {
    let (mut uses, mut defs, mut imms, mut labels) = (vec![], vec![], vec![], vec![]);
    inst.visit(&draw.func, |role| match role {
        Role::Use(operand, _) => uses.push(operand),
        Role::Def(slot, ty) => defs.push((slot, ty)),
        Role::Imm(imm) => imms.push(number(imm)),
        Role::Label(block) => labels.push(block),
    });
    let mut take = |field: &str, expected: Expected| match expected {
        Expected::Def(slot) => {
            let at = defs.iter().position(|&(at, _)| at == slot);
            if at.is_none() && has_no_result(inst) {
                return None;
            }
            let mut next = slot.0;
            defs.retain(|&(at, ty)| {
                let is_next = at.0 == next;
                next += if is_next { ty.slots() } else { 0 };
                !is_next
            });
            at.is_none().then(|| format!("no definition of {field}"))
        }
        Expected::Use(operand) => take_once(&mut uses, operand, field),
        Expected::Label(block) => take_once(&mut labels, block, field),
        Expected::Imm(imm) => take_once(&mut imms, imm, field),
        Expected::List(_) if matches!(inst, Inst::BrTable { .. }) => {
            let all = draw.func.labels.len() - 7;
            let is_complete = labels == draw.func.labels[all..];
            labels.clear();
            (!is_complete).then(|| format!("not all labels of {field}"))
        }
        Expected::List(list) => {
            // As many as there are types: at least one, save where an opcode takes nothing.
            let is_in = |operand: &Operand| match operand.get() {
                OperandKind::Slot(slot) => (400..407).contains(&slot.0),
                OperandKind::Const(_) => false,
            };
            let mut met: Vec<Operand> = uses.iter().copied().filter(is_in).collect();
            uses.retain(|operand| !is_in(operand));
            met.sort_by_key(|operand| format!("{operand:?}"));
            let from_start = met == draw.func.list(list)[..met.len()];
            let is_empty = met.is_empty() && !takes_nothing(inst);
            (!from_start || is_empty).then(|| format!("operands of {field}: {met:?}"))
        }
    };
    for &(field, expected) in &draw.expected {
        if let Some(why) = take(field, expected) {
            return Some(why);
        }
    }
    let rest = format!("{uses:?} {defs:?} {imms:?} {labels:?}");
    (rest != "[] [] [] []").then(|| format!("met more than once: {rest}"))
}

fn take_once<T: PartialEq>(met: &mut Vec<T>, value: T, field: &str) -> Option<String> {
    match met.iter().position(|it| *it == value) {
        Some(at) => {
            met.remove(at);
            None
        }
        None => Some(format!("{field} is not met")),
    }
}

/// True if the instruction has a slot for a result, and no result.
fn has_no_result(inst: Inst) -> bool {
    let name = inst.name();
    let stores = name.contains(".atomic.store");
    let bulk = ["fill", "copy", "init", "init_data", "init_elem", "drop"];
    stores || bulk.iter().any(|end| name.ends_with(&format!(".{end}")))
}

/// True if the instruction has a list of operands, and no operand in it.
fn takes_nothing(inst: Inst) -> bool {
    let name = inst.name();
    let names = ["memory.size", "table.size", "data.drop", "elem.drop"];
    let mut names = names.iter().chain(&["struct.new_default"]);
    name.contains(".atomic.load") || names.any(|it| *it == name)
}

#[test]
fn every_field_is_met_once_in_its_role() {
    let mut rows = 0;
    for_each_sample(|row, inst, draw| {
        rows += 1;
        assert_eq!(missing(inst, draw), None, "{row}: {inst:?}");
        let lists = draw
            .expected
            .iter()
            .filter_map(|(_, expected)| match expected {
                Expected::List(list) if !matches!(inst, Inst::BrTable { .. }) => Some(list.len),
                Expected::Use(_) => Some(1),
                Expected::List(_) | Expected::Def(_) | Expected::Label(_) | Expected::Imm(_) => {
                    None
                }
            });
        assert_eq!(inst.operand_count(), lists.sum(), "{row}");
        let labels = draw
            .expected
            .iter()
            .filter_map(|(_, expected)| match expected {
                Expected::Label(block) => Some(*block),
                Expected::List(_) | Expected::Use(_) | Expected::Def(_) | Expected::Imm(_) => None,
            });
        let (mut inst, mut met) = (inst, Vec::new());
        inst.labels_mut(|label| met.push(*label));
        assert_eq!(met, labels.collect::<Vec<_>>(), "{row}");
        let ends = inst.effects().ends;
        assert!(
            ends || met.is_empty(),
            "{row}: only terminators have labels"
        );
    });
    assert!(rows > 400, "{rows}");
}

/// The check above sees each role that a row lacks: a field that the visitor does not report.
#[test]
fn a_missing_role_is_seen() {
    let kinds = [
        Expected::Def(Slot(99)),
        Expected::Use(Operand::slot(Slot(99))),
        Expected::Label(BlockId(99)),
        Expected::Imm(99),
    ];
    for_each_sample(|row, inst, draw| {
        if has_no_result(inst) {
            return;
        }
        for expected in kinds {
            let mut more = Draw {
                func: draw.func.clone(),
                op: draw.op,
                drawn: 0,
                expected: draw.expected.clone(),
            };
            more.expect("planted", expected);
            let why = missing(inst, &more).expect(row);
            assert!(why.contains("planted"), "{row}: {why}");
            // And a role that no field has.
            let mut less = draw.expected.clone();
            if less
                .pop()
                .is_some_and(|(_, it)| !matches!(it, Expected::List(_)))
            {
                more.expected = less;
                let why = missing(inst, &more).expect(row);
                assert!(why.contains("more than once"), "{row}: {why}");
            }
        }
    });
}

/// Effects agree with what the opcode table and the roles say.
#[test]
fn effects_agree_with_roles() {
    for_each_sample(|row, inst, draw| {
        let effects = inst.effects();
        let mut has_state = false;
        inst.visit(&draw.func, |role| {
            has_state |= matches!(
                role,
                Role::Imm(Imm::Memory(_) | Imm::Table(_) | Imm::Global(_) | Imm::Data(_))
                    | Role::Imm(Imm::Element(_) | Imm::Field(_))
            );
        });
        assert!(!has_state || effects.reads || effects.writes, "{row}");
        assert!(
            !effects.calls || effects.traps && effects.reads && effects.writes,
            "{row}"
        );
        assert_eq!(inst.callee_frame().is_some(), inst.is_call(), "{row}");
        assert!(!inst.is_call() || effects.throws, "{row}");
        if inst.name() == draw.op.mnemonic() {
            let group = draw.op.shape().effects();
            assert!(
                show(effects).split(' ').all(|it| show(group).contains(it)),
                "{row}"
            );
        }
        let mut inst = inst;
        assert!(!effects.ends || inst.dst_mut().is_none(), "{row}");
    });
}

/// The effects by name.
fn show(effects: Effects) -> String {
    let Effects {
        reads,
        writes,
        traps,
        calls,
        throws,
        ends,
    } = effects;
    let names = [
        (reads, " reads"),
        (writes, " writes"),
        (traps, " traps"),
        (calls, " calls"),
        (throws, " throws"),
        (ends, " ends"),
    ];
    let names = names.into_iter().filter(|(holds, _)| *holds);
    names.map(|(_, name)| name).collect()
}

/// One instruction of each row as text, with its effects.
#[test]
fn every_row_is_printed() {
    let (mut printed, mut names) = (String::new(), Vec::new());
    for_each_sample(|row, inst, draw| {
        let is_call = matches!(inst, Inst::Call { .. } | Inst::ReturnCall { .. });
        let name = (row, is_call.then(|| inst.name()));
        if !names.contains(&name) {
            let text = draw.func.show(&inst);
            printed += &format!("{row}: {text} ;{}\n", show(inst.effects()));
        }
        names.push(name);
    });
    assert_eq!(printed, include_str!("tests/rows.txt"), "{printed}");
}
