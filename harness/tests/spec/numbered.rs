//! Scripts with more of a kind than 16 bits can number: index spaces of a module, loops, handlers
//! and blocks of a function.

use super::generated::{Script, lines};

/// Each script's path, and the function that makes it. They take long to compile, and one mode
/// tells as much of them as all.
pub(crate) const SCRIPTS: &[(&str, Script)] = &[
    ("many_loops.wast", loops),
    ("exceptions/many_handlers.wast", handlers),
    ("gc/many_indices.wast", indices),
];

/// True if a path is that of a script made here.
pub(crate) fn is_one(path: &str) -> bool {
    SCRIPTS.iter().any(|(own, _)| *own == path)
}

/// How many there are of each kind.
const MANY: u64 = 65_540;
/// The number that the last one has if its upper bits are lost.
const ALIAS: u64 = (MANY - 1) % 65_536;

/// Every index space that may have so many: what the last index names is told from what is named by
/// its lower 16 bits.
fn indices() -> String {
    let numbered = |alias: &str, last: &str, others: &str| {
        lines(0..MANY, |n| match n {
            ALIAS => alias.to_owned(),
            n if n == MANY - 1 => last.to_owned(),
            _ => others.to_owned(),
        })
    };
    let last = MANY - 1;
    let types = numbered(
        "(type (struct (field i32)))",
        "(type (struct (field i64) (field i64)))",
        "(type (func))",
    );
    let funcs = numbered(
        "(func $alias (result i32) (i32.const 1))",
        "(func $last (result i32) (i32.const 2))",
        "(func)",
    );
    let globals = numbered(
        "(global (mut i64) (i64.const 3))",
        "(global (mut i64) (i64.const 4))",
        "(global i32 (i32.const 0))",
    );
    let tags = numbered("(tag (param i32))", "(tag (param i32))", "(tag)");
    let elements = numbered("(elem func $alias)", "(elem func $last)", "(elem func)");
    let data = numbered("(data \"a\")", "(data \"bc\")", "(data)");
    format!(
        "(module
{types}{globals}{tags}
  (table 8 funcref) (memory 1)
{elements}{data}
  (type $number (func (result i32)))
{funcs}
  (func (export \"object\") (result i64)
    (struct.get {last} 1 (struct.new {last} (i64.const 5) (i64.const 6))))
  (func (export \"is\") (param i32) (result i32)
    (ref.test (ref {last}) (if (result anyref) (local.get 0)
      (then (struct.new_default {last})) (else (struct.new_default {ALIAS})))))
  (func (export \"call\") (result i32 i32) (call {last}) (call {ALIAS}))
  (func (export \"tail\") (result i32) (return_call {last}))
  (func (export \"global\") (param i64) (result i64 i64)
    (global.set {last} (i64.add (global.get {last}) (local.get 0)))
    (global.get {last}) (global.get {ALIAS}))
  (func (export \"init\") (param i32)
    (table.init {last} (local.get 0) (i32.const 0) (i32.const 1))
    (memory.init {last} (local.get 0) (i32.const 0) (i32.const 2)))
  (func (export \"init_alias\") (param i32)
    (table.init {ALIAS} (local.get 0) (i32.const 0) (i32.const 1))
    (memory.init {ALIAS} (local.get 0) (i32.const 0) (i32.const 1)))
  (func (export \"drop\") (elem.drop {last}) (data.drop {last}))
  (func (export \"element\") (param i32) (result i32)
    (call_indirect (type $number) (local.get 0)))
  (func (export \"byte\") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export \"thrown\") (param i32) (result i32)
    (block (result i32)
      (block (result i32)
        (try_table (result i32) (catch {ALIAS} 0) (catch {last} 1)
          (if (result i32) (local.get 0)
            (then (throw {last} (i32.const 10)))
            (else (throw {ALIAS} (i32.const 10))))))
      (i32.mul (i32.const 7))))
  (elem declare func {last})
  (func (export \"ref\") (result i32) (call_ref $number (ref.func {last}))))
(assert_return (invoke \"object\") (i64.const 6))
(assert_return (invoke \"is\" (i32.const 1)) (i32.const 1))
(assert_return (invoke \"is\" (i32.const 0)) (i32.const 0))
(assert_return (invoke \"call\") (i32.const 2) (i32.const 1))
(assert_return (invoke \"tail\") (i32.const 2))
(assert_return (invoke \"ref\") (i32.const 2))
(assert_return (invoke \"global\" (i64.const 100)) (i64.const 104) (i64.const 3))
(assert_return (invoke \"thrown\" (i32.const 1)) (i32.const 10))
(assert_return (invoke \"thrown\" (i32.const 0)) (i32.const 70))
(invoke \"init\" (i32.const 2))
(assert_return (invoke \"element\" (i32.const 2)) (i32.const 2))
(assert_return (invoke \"byte\" (i32.const 3)) (i32.const 99))
(invoke \"drop\")
(assert_trap (invoke \"init\" (i32.const 4)) \"out of bounds table access\")
(invoke \"init_alias\" (i32.const 5))
(assert_return (invoke \"element\" (i32.const 5)) (i32.const 1))
(assert_return (invoke \"byte\" (i32.const 5)) (i32.const 97))
"
    )
}

/// So many loops that each go round as often as a number has bits, then a loop in a loop: what is
/// the same in each round depends on what comes between these and the first ones.
fn loops() -> String {
    let first = lines(0..MANY, |n| {
        let around = "loop local.get 0 i32.const 1 i32.shr_u local.tee 0 br_if 0 end";
        // What belongs to one of the last loops is not there if it is put in front of one of these.
        match n < 64 {
            true => format!("local.get 0 if {around} end"),
            false => around.into(),
        }
    });
    let text = format!(
        "(module
  (func $five (result i32) i32.const 5)
  (func (export \"run\") (param $n i32) (result i32)
    (local $kept i32) (local $five i32) (local $sum i32) (local $outer i32) (local $inner i32)
    local.get $n local.set $kept
{first}
    call $five local.set $five
    i32.const 3 local.set $outer
    loop
      i32.const 2 local.set $inner
      loop
        local.get $sum
        local.get $kept local.get $five i32.add i32.const 7 i32.mul i32.add
        local.get $outer local.get $five i32.sub i32.const 11 i32.mul i32.add
        local.set $sum
        local.get $inner i32.const 1 i32.sub local.tee $inner br_if 0
      end
      local.get $outer i32.const 1 i32.sub local.tee $outer br_if 0
    end
    local.get $sum))\n"
    );
    text + &lines([0, 1, 6, 1_000_000], |n| {
        let outer: i64 = [3, 2, 1].iter().map(|outer| (outer - 5) * 11).sum();
        let sum = 6 * (n as i64 + 5) * 7 + 2 * outer;
        format!("(assert_return (invoke \"run\" (i32.const {n})) (i32.const {sum}))")
    })
}

/// So many handlers, and one around all. Some are around a call that throws if the argument has a
/// bit, the others around nothing.
fn handlers() -> String {
    const BITS: u64 = 16;
    let calls = |n: u64| n.is_multiple_of(16) || n > MANY - 4;
    let bit = |n: u64| 1_u64 << (n / 16 % BITS);
    let tries = lines(0..MANY, |n| match calls(n) {
        true => format!(
            "block try_table (catch $t 0) local.get 0 i32.const {} call $throws end
local.get 1 i32.const {} i32.add local.set 1 end",
            bit(n),
            n % 3 + 1
        ),
        false => "block try_table (catch $t 0) end end".into(),
    });
    let text = format!(
        "(module (tag $t) (tag $u)
  (func $throws (param i32 i32)
    (if (i32.eq (local.get 0) (i32.const -1)) (then (throw $u)))
    (if (i32.and (local.get 0) (local.get 1)) (then (throw $t))))
  (func (export \"run\") (param i32) (result i32) (local i32)
    block try_table (catch $u 0)
{tries}
    (if (i32.eqz (local.get 0)) (then
      (call $throws (i32.const -1) (i32.const 0))
      (local.set 1 (i32.const -2))))
    end end
    (local.get 1)))\n"
    );
    text + &lines([0, 1, 0x8000, 0xffff, 0xffff_ffff], |x| {
        let of = |n: u64| if x & bit(n) == 0 { n % 3 + 1 } else { 0 };
        let sum: u64 = match x {
            0xffff_ffff => 0,
            _ => (0..MANY).filter(|&n| calls(n)).map(of).sum(),
        };
        format!("(assert_return (invoke \"run\" (i32.const {x})) (i32.const {sum}))")
    })
}
