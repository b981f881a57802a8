//! The text form of the IR, for people and for golden tests. No parser reads it.
//!
//! The text follows from [`Inst::visit`] alone: `definitions = name immediates uses -> labels`.
//! Constants are printed as values of the operand's type; slots are `p0` (parameters), `l1`
//! (locals) and `t2` (temporaries, counted from the bottom of the operand stack).

use std::fmt::{self, Write};

use super::{BlockId, Catch, FuncIr, Imm, Inst, Operand, OperandKind, Role, Slot, Type};

impl fmt::Display for FuncIr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (locals, slots) = (self.first_temporary - self.param_slots, self.slots);
        writeln!(f, "func {} {}", self.index, self.ty)?;
        writeln!(
            f,
            "  slots: {} parameters, {locals} locals, {} temporaries",
            self.param_slots,
            slots - self.first_temporary
        )?;
        for (i, handler) in self.handlers.iter().enumerate() {
            let parent = handler.parent.map(|id| format!(" in h{}", id.0));
            writeln!(f, "h{i}:{}", parent.unwrap_or_default())?;
            for catch in &handler.catches {
                writeln!(f, "  {}", self.show_catch(catch))?;
            }
        }
        for (i, block) in self.blocks.iter().enumerate() {
            let head = if block.is_loop_head { " loop" } else { "" };
            let handler = block.handler.map(|id| format!(" h{}", id.0));
            writeln!(f, "b{i}:{head}{}", handler.unwrap_or_default())?;
            for inst in self.block(BlockId(i as u32)) {
                writeln!(f, "  {}", self.show(inst))?;
            }
        }
        Ok(())
    }
}

impl FuncIr {
    /// One instruction as text.
    pub fn show(&self, inst: &Inst) -> String {
        let mut parts = Parts::default();
        inst.visit(self, |role| parts.add(self, role));
        parts.text(inst.name())
    }

    /// A clause as text.
    fn show_catch(&self, catch: &Catch) -> String {
        let mut parts = Parts::default();
        catch.visit(self, |role| parts.add(self, role));
        parts.text(catch.tag.map_or("catch_all", |_| "catch"))
    }

    fn slot(&self, slot: Slot) -> String {
        match slot.0 {
            n if n < self.param_slots => format!("p{n}"),
            n if n < self.first_temporary => format!("l{n}"),
            n => format!("t{}", n - self.first_temporary),
        }
    }

    fn operand(&self, operand: Operand, ty: Type) -> String {
        let index = match operand.get() {
            OperandKind::Slot(slot) => return self.slot(slot),
            OperandKind::Const(index) => index as usize,
        };
        let Some(&bits) = self.consts.get(index) else {
            return format!("const#{index}");
        };
        match ty {
            Type::I32 => (bits as i32).to_string(),
            Type::I64 => (bits as i64).to_string(),
            Type::F32 => float(f64::from(f32::from_bits(bits as u32)), bits),
            Type::F64 => float(f64::from_bits(bits), bits),
            Type::V128 => format!("{:#018x}{:016x}", self.consts[index + 1], bits),
            Type::Ref => "null".to_owned(),
        }
    }
}

/// Operands as text, by role.
#[derive(Default)]
struct Parts {
    defs: String,
    imms: String,
    uses: String,
    labels: String,
}

impl Parts {
    fn add(&mut self, func: &FuncIr, role: Role) {
        match role {
            Role::Def(slot, ty) => {
                let text = format!("{}:{}", func.slot(slot), ty.name());
                item(&mut self.defs, &text);
            }
            Role::Use(operand, ty) => item(&mut self.uses, &func.operand(operand, ty)),
            Role::Imm(imm) => item(&mut self.imms, &show_imm(imm)),
            Role::Label(block) => item(&mut self.labels, &format!("b{}", block.0)),
        }
    }

    fn text(&self, name: &str) -> String {
        let mut text = String::new();
        if !self.defs.is_empty() {
            text = format!("{} = ", self.defs);
        }
        text += name;
        for part in [&self.imms, &self.uses] {
            if !part.is_empty() {
                text.push(' ');
                text += part;
            }
        }
        if !self.labels.is_empty() {
            text += " -> ";
            text += &self.labels;
        }
        text
    }
}

/// A float; a NaN as its bits.
fn float(value: f64, bits: u64) -> String {
    if value.is_nan() {
        format!("nan:{bits:#x}")
    } else {
        format!("{value:?}")
    }
}

fn item(list: &mut String, text: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(text);
}

fn show_imm(imm: Imm) -> String {
    let mut text = String::new();
    let result = match imm {
        Imm::Func(n) => write!(text, "func#{n}"),
        Imm::Type(n) => write!(text, "type#{n}"),
        Imm::Table(n) => write!(text, "table#{n}"),
        Imm::Memory(n) => write!(text, "memory#{n}"),
        Imm::Global(n) => write!(text, "global#{n}"),
        Imm::Element(n) => write!(text, "elem#{n}"),
        Imm::Tag(n) => write!(text, "tag#{n}"),
        Imm::Data(n) => write!(text, "data#{n}"),
        Imm::Offset(n) => write!(text, "+{n}"),
        Imm::Lane(n) => write!(text, "lane#{n}"),
        Imm::Lanes(n) => write!(text, "lanes#{:?}", n.to_le_bytes()),
        Imm::Trap(kind) => write!(text, "{kind:?}"),
        Imm::Cost(n) | Imm::Count(n) => write!(text, "{n}"),
        Imm::Field(n) => write!(text, "field#{n}"),
        Imm::RefType(ty) => write!(text, "{ty}"),
        Imm::Nullable(nullable) => write!(text, "{}", if nullable { "null" } else { "non-null" }),
    };
    result.expect("a string takes all text");
    text
}
