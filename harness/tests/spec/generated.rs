//! Scripts of our own that are too large to commit: each is made by a function, with literal
//! results that follow from how it is made.
//!
//! `WASSAY_KEEP_GENERATED=FOLDER` writes them to a folder that stays, for `wassay spec FOLDER`. The
//! `wassay.toml` of `testsuite/regressions` is written beside them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::numbered;

/// Makes the text of a script.
pub(crate) type Script = fn() -> String;

/// Every script: its path below the folder, and the function that makes it.
const SCRIPTS: &[(&str, Script)] = &[
    ("calls.wast", calls),
    ("frames.wast", frames),
    ("locals.wast", locals),
    ("far_vectors.wast", far_vectors),
    ("long_functions.wast", long_functions),
    ("state_machine.wast", state_machine),
    ("nested_loops.wast", nested_loops),
    ("many_blocks.wast", many_blocks),
    ("gc/large_objects.wast", large_objects),
    ("gc/far_objects.wast", far_objects),
];

/// The features of scripts of our own.
const FEATURES: &str = include_str!("../../../testsuite/regressions/wassay.toml");

/// Writes every script below a folder, and what states their features.
pub(crate) fn write_all(folder: &Path) -> io::Result<()> {
    let kept = std::env::var_os("WASSAY_KEEP_GENERATED").map(std::path::PathBuf::from);
    for folder in [Some(folder), kept.as_deref()].into_iter().flatten() {
        for (path, script) in SCRIPTS.iter().chain(numbered::SCRIPTS) {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, script())?;
        }
        fs::write(folder.join("wassay.toml"), FEATURES)?;
    }
    Ok(())
}

/// One line for each number.
pub(super) fn lines(
    numbers: impl IntoIterator<Item = u64>,
    line: impl Fn(u64) -> String,
) -> String {
    numbers.into_iter().map(|n| line(n) + "\n").collect()
}

/// Frames from 4 KiB to 80 KiB: all of many values are live across a call and across a loop, so
/// that each has a slot of its own, near and far from the stack pointer.
fn frames() -> String {
    let mut module = String::from("(module\n  (func $one (result i64) (i64.const 1))\n");
    let mut assertions = String::new();
    for count in [100, 600, 1_200, 5_000, 10_000] {
        // Half of the values stay on the operand stack, half are locals.
        let values = lines(0..count, |n| {
            format!("(i64.mul (local.get 0) (i64.const {}))", n + 1)
        });
        let sets = lines(0..count, |n| {
            format!(
                "(local.set {} (i64.xor (local.get 0) (i64.const {n})))",
                n + 1
            )
        });
        let xors = lines(0..count, |n| {
            format!("(i64.mul (local.get {}) (i64.const {}))", n + 1, n % 7 + 1)
        });
        let additions = "i64.add\n".repeat(2 * count as usize);
        let _ = writeln!(
            module,
            "(func $f{count} (export \"f{count}\") (param i64) (result i64) (local{locals})
{sets}{values}(call $one)\n{xors}{additions})
(func (export \"nested{count}\") (param i64) (result i64)
  (i64.add (call $f{count} (local.get 0)) (call $f{count} (i64.add (local.get 0) (i64.const 1)))))",
            locals = " i64".repeat(count as usize),
        );
        let result = |x: u64| {
            let of = |n: u64| {
                x.wrapping_mul(n + 1)
                    .wrapping_add((x ^ n).wrapping_mul(n % 7 + 1))
            };
            (0..count).fold(1_u64, |sum, n| sum.wrapping_add(of(n)))
        };
        for x in [0, 3, 0x1234_5678_9abc_def1] {
            let both = result(x).wrapping_add(result(x + 1));
            let _ = writeln!(
                assertions,
                "(assert_return (invoke \"f{count}\" (i64.const {x})) (i64.const {}))
(assert_return (invoke \"nested{count}\" (i64.const {x})) (i64.const {both}))",
                result(x)
            );
        }
    }
    format!("{module})\n{assertions}")
}

/// 50,000 locals, the most that validation allows, in a recursion: each call finds its own locals
/// zero although the calls before it, which wrote all of them, had their frames at the same place.
fn locals() -> String {
    const COUNT: u64 = 50_000;
    let watched = [
        1,
        2,
        511,
        512,
        4_095,
        4_096,
        32_767,
        32_768,
        COUNT - 2,
        COUNT - 1,
    ];
    let sums = lines(watched, |n| format!("(local.get {n}) (i64.add)"));
    let sets = lines(watched, |n| {
        format!("(local.set {n} (i64.add (local.get 0) (i64.const {n})))")
    });
    let text = format!(
        "(module
  (func $down (export \"down\") (param i64) (result i64) (local{locals})
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 0) {sums})
      (else
        (i64.const 0) {sums}
        {sets}
        (call $down (i64.sub (local.get 0) (i64.const 1)))
        (i64.add)
        {sums}))))\n",
        locals = " i64".repeat(COUNT as usize - 1),
    );
    let result = |depth: u64| -> u64 {
        let of = |x: u64| watched.iter().map(|n| x + n).sum::<u64>();
        (1..=depth).map(of).sum()
    };
    text + &lines([0, 1, 2, 3, 10], |depth| {
        let sum = result(depth);
        format!("(assert_return (invoke \"down\" (i64.const {depth})) (i64.const {sum}))")
    })
}

/// Vectors on an operand stack beyond 70,000 slots of locals: each moves down by one slot, so that
/// it overlaps its copy, when a branch leaves a value below it behind.
fn far_vectors() -> String {
    let vector = |n: u64| {
        format!(
            "(i64x2.replace_lane 1 (i64x2.splat (i64.add (local.get 0) (i64.const {n})))
              (i64.add (local.get 0) (i64.const {})))",
            n + 1
        )
    };
    let text = format!(
        "(module
  (func (export \"one\") (param i64) (result i64) (local{locals})
    (block (result v128)
      (i64.mul (local.get 0) (i64.const 3))
      {a}
      (br 0))
    (local.tee 20)
    (i64x2.extract_lane 0)
    (i64.mul (i64x2.extract_lane 1 (local.get 20)) (i64.const 1000))
    (i64.add))
  (func (export \"two\") (param i64) (result i64) (local{locals})
    (block (result v128 v128)
      (i64.mul (local.get 0) (i64.const 3))
      {a}
      {b}
      (br_if 0 (i32.wrap_i64 (local.get 0)))
      (local.set 33000)
      (local.set 33001)
      (drop)
      (local.get 33000)
      (local.get 33001))
    (local.set 34000)
    (local.set 20)
    (i64x2.extract_lane 0 (local.get 20))
    (i64.mul (i64x2.extract_lane 1 (local.get 20)) (i64.const 1000))
    (i64.mul (i64x2.extract_lane 0 (local.get 34000)) (i64.const 1000000))
    (i64.mul (i64x2.extract_lane 1 (local.get 34000)) (i64.const 1000000000))
    (i64.add) (i64.add) (i64.add)))\n",
        locals = " v128".repeat(35_000),
        a = vector(1),
        b = vector(11),
    );
    let one = |x: u64| (x + 1) + (x + 2) * 1_000;
    let two = |x: u64| match x {
        0 => 11 + 12 * 1_000 + 1_000_000 + 2_000_000_000,
        _ => one(x) + (x + 11) * 1_000_000 + (x + 12) * 1_000_000_000,
    };
    text + &lines([0, 1, 7, 400], |x| {
        format!(
            "(assert_return (invoke \"one\" (i64.const {x})) (i64.const {}))
(assert_return (invoke \"two\" (i64.const {x})) (i64.const {}))",
            one(x),
            two(x)
        )
    })
}

/// Functions above 20,000 machine instructions, which get registers by a linear algorithm: in one
/// piece, with a loop around all, with branches, calls and vectors in between.
fn long_functions() -> String {
    let head = |name: &str| {
        format!(
            "(module ${name} (memory 1)
  (func $next (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
        )
    };
    let mut module = head("Straight");
    const STEPS: u32 = 6_000;
    let step = |n: u32| match n % 8 {
        0 => {
            format!("(local.set 1 (i32.add (local.get 1) (i32.mul (local.get 0) (i32.const {n}))))")
        }
        1 => "(local.set 2 (i32.xor (i32.rotl (local.get 1) (i32.const 5)) (local.get 2)))".into(),
        2 => format!("(i32.store offset={n} (i32.const 0) (local.get 2))"),
        3 => format!(
            "(local.set 3 (i32.add (local.get 3) (i32.load offset={} (i32.const 0))))",
            n - 1
        ),
        4 => format!(
            "(if (i32.and (local.get 2) (i32.const {}))
            (then (local.set 3 (i32.sub (local.get 3) (local.get 1)))))",
            1 << (n / 8 % 32)
        ),
        5 if n % 64 == 5 => "(local.set 1 (call $next (local.get 1)))".into(),
        5 => "(local.set 1 (i32.sub (local.get 1) (local.get 3)))".into(),
        6 => "(local.set 4 (i32x4.add (local.get 4) (i32x4.splat (local.get 3))))".into(),
        _ => "(local.set 2 (i32.add (local.get 2) (i32x4.extract_lane 2 (local.get 4))))".into(),
    };
    let steps = (0..STEPS).map(|n| step(n) + "\n").collect::<String>();
    let sum = "(i32.add (local.get 1) (i32.add (local.get 2) (i32.add (local.get 3)
      (i32x4.extract_lane 3 (local.get 4)))))";
    let _ = writeln!(
        module,
        "(func (export \"straight\") (param i32) (result i32) (local i32 i32 i32 v128)
{steps} {sum}))
{repeated}
(func (export \"repeated\") (param i32) (param $times i32) (result i32)
  (local i32 i32 v128 i32)
  (local.set 5 (local.get 1)) (local.set 1 (i32.const 0))
  (loop $again
    {steps}
    (br_if $again (local.tee 5 (i32.sub (local.get 5) (i32.const 1)))))
  {sum}))",
        repeated = head("Repeated"),
    );
    let run = |x: u32, times: u32| -> u32 {
        let (mut a, mut b, mut c, mut v) = (0_u32, 0_u32, 0_u32, 0_u32);
        for n in (0..times).flat_map(|_| 0..STEPS) {
            match n % 8 {
                0 => a = a.wrapping_add(x.wrapping_mul(n)),
                1 => b ^= a.rotate_left(5),
                2 => {}
                3 => c = c.wrapping_add(b),
                4 if b & 1 << (n / 8 % 32) != 0 => c = c.wrapping_sub(a),
                4 => {}
                5 if n % 64 == 5 => a = a.wrapping_add(1),
                5 => a = a.wrapping_sub(c),
                6 => v = v.wrapping_add(c),
                _ => b = b.wrapping_add(v),
            }
        }
        a.wrapping_add(b).wrapping_add(c).wrapping_add(v)
    };
    for x in [0_u32, 1, 7, 0xdead_beef] {
        let _ = writeln!(
            module,
            "(assert_return (invoke $Straight \"straight\" (i32.const {x})) (i32.const {}))",
            run(x, 1)
        );
        for times in [1, 3] {
            let _ = writeln!(
                module,
                "(assert_return (invoke \"repeated\" (i32.const {x}) (i32.const {times})) \
                 (i32.const {}))",
                run(x, times)
            );
        }
    }
    module
}

/// The states of the state machine, and its variables: a product above the arguments of joins that
/// the JIT keeps in registers, so that variables stay in the frame between blocks.
const STATES: u64 = 1_000;
const VARIABLES: u64 = 600;

/// The state after another one.
fn next_state(state: u64) -> u64 {
    (state * 7 + 3) % STATES
}

/// True for a state that calls a function which may throw.
fn calls_in_state(state: u64) -> bool {
    state % 10 == 7
}

/// The code of a state: a change of its variable, of one of five types, and maybe a call.
fn state_code(state: u64) -> String {
    let local = 4 + state % VARIABLES;
    let change = match state % VARIABLES % 5 {
        0 => format!("i64.const 3 i64.mul i64.const {state} i64.add"),
        1 => format!("f64.const {state} f64.add"),
        2 => format!("i32.const 5 i32.mul i32.const {state} i32.add"),
        3 => format!("f32.const {} f32.add", state % 16),
        _ => format!("i64.const {state} i64x2.splat i64x2.add"),
    };
    let mut code = format!("local.get {local} {change} local.set {local}\n");
    if calls_in_state(state) {
        let _ = writeln!(
            code,
            "block (result i64) try_table (catch $t 0) local.get $rounds call $odd end
i64.const 1 end
local.get $sum i64.add local.set $sum"
        );
    }
    code
}

/// A state machine of a thousand states and 600 variables of all numeric types, with calls in
/// handlers: what each state changes is found at the end.
fn state_machine() -> String {
    let types = ["i64", "f64", "i32", "f32", "v128"];
    let locals = lines(0..VARIABLES, |n| types[(n % 5) as usize].to_string());
    let targets = lines(0..STATES, |n| n.to_string());
    let cases = lines(0..STATES, |state| {
        format!(
            "end {} i32.const {} local.set $state br {}",
            state_code(state),
            next_state(state),
            STATES - 1 - state
        )
    });
    let results = lines(0..VARIABLES, |n| {
        let bits = match n % 5 {
            0 => "",
            1 => "i64.trunc_f64_s",
            2 => "i64.extend_i32_u",
            3 => "i64.trunc_f32_s",
            _ => "i64x2.extract_lane 1",
        };
        format!(
            "local.get $sum i64.const 31 i64.mul local.get {} {bits} i64.add local.set $sum",
            n + 4
        )
    });
    let text = format!(
        "(module (tag $t (param i64))
(func $odd (param i32)
  (if (i32.and (local.get 0) (i32.const 1))
    (then (throw $t (i64.extend_i32_u (local.get 0))))))
(func (export \"run\") (param $rounds i32) (result i64)
(local $state i32) (local $sum i64) (local $unused i64) (local {locals})
block
loop
local.get $rounds i32.eqz br_if 1
local.get $rounds i32.const 1 i32.sub local.set $rounds
{blocks}
local.get $state br_table {targets} {last}
{cases}
end
end
{results} local.get $sum))\n",
        blocks = "block\n".repeat(STATES as usize),
        last = STATES - 1,
    );
    let run = |rounds: u64| -> u64 {
        let (mut state, mut sum) = (0, 0_u64);
        let mut variables = vec![0_u64; VARIABLES as usize];
        for left in (0..rounds).rev() {
            let variable = &mut variables[(state % VARIABLES) as usize];
            *variable = match state % VARIABLES % 5 {
                0 => variable.wrapping_mul(3).wrapping_add(state),
                2 => u64::from(
                    (*variable as u32)
                        .wrapping_mul(5)
                        .wrapping_add(state as u32),
                ),
                3 => *variable + state % 16,
                _ => *variable + state,
            };
            if calls_in_state(state) {
                sum += if left % 2 == 1 { left } else { 1 };
            }
            state = next_state(state);
        }
        let add = |sum: u64, variable: &u64| sum.wrapping_mul(31).wrapping_add(*variable);
        variables.iter().fold(sum, add)
    };
    text + &lines([0, 1, 2, 11, 500, 5_000], |rounds| {
        format!(
            "(assert_return (invoke \"run\" (i32.const {rounds})) (i64.const {}))",
            run(rounds)
        )
    })
}

/// The loops of a nest, so many that the JIT walks the dominator tree for the joins of each
/// variable.
const LOOPS: u64 = 400;

/// The variables of the nest, and what its code does with them.
#[derive(Default)]
struct Nest {
    x: u64,
    y: u64,
    z: u64,
    left: u64,
}

impl Nest {
    /// One loop, with those inside of it.
    fn run(&mut self, depth: u64) {
        loop {
            self.x = self.x.wrapping_mul(3).wrapping_add(depth);
            if depth.is_multiple_of(7) && self.x % 2 == 1 {
                self.y ^= self.x;
            }
            if depth + 1 < LOOPS {
                self.run(depth + 1);
            }
            self.z = self.z.wrapping_add(self.x);
            self.left = self.left.saturating_sub(1);
            if self.left == 0 || !self.left.is_multiple_of(depth % 5 + 2) {
                return;
            }
        }
    }
}

/// Four hundred loops, one inside of the other, behind a loop at the beginning of the function:
/// variables that are written at many depths, and branches back from each.
fn nested_loops() -> String {
    let heads = lines(0..LOOPS, |depth| {
        let x =
            format!("loop local.get $x i64.const 3 i64.mul i64.const {depth} i64.add local.set $x");
        let y = "local.get $x i32.wrap_i64 i32.const 1 i32.and
if local.get $y local.get $x i64.xor local.set $y end";
        format!("{x} {}", if depth.is_multiple_of(7) { y } else { "" })
    });
    let ends = lines((0..LOOPS).rev(), |depth| {
        format!(
            "local.get $z local.get $x i64.add local.set $z
local.get $left local.get $left i32.const 0 i32.ne i32.sub local.tee $left i32.const 0 i32.ne
local.get $left i32.const {} i32.rem_u i32.eqz i32.and br_if 0 end",
            depth % 5 + 2
        )
    });
    let text = format!(
        "(module (func (export \"run\") (param $first i32) (param $left i32) (result i64 i64 i64)
(local $x i64) (local $y i64) (local $z i64)
loop local.get $x i64.const 7 i64.add local.set $x
local.get $first i32.const 1 i32.sub local.tee $first br_if 0 end
{heads} {ends} local.get $x local.get $y local.get $z))\n"
    );
    text + &lines([1, 2, 30, 400, 1_000], |n| {
        let mut nest = Nest {
            x: 7 * n,
            left: n,
            ..Nest::default()
        };
        nest.run(0);
        let Nest { x, y, z, .. } = nest;
        format!(
            "(assert_return (invoke \"run\" (i32.const {n}) (i32.const {n})) \
             (i64.const {x}) (i64.const {y}) (i64.const {z}))"
        )
    })
}

/// A function of more than 65,536 blocks: branches over an addition, each by a bit of the argument.
fn many_blocks() -> String {
    const ADDITIONS: u64 = 33_000;
    const BITS: u64 = 20;
    let bit = |n: u64| 1u64 << (n % BITS);
    let code = lines(0..ADDITIONS, |n| {
        format!(
            "(block (br_if 0 (i32.and (local.get 0) (i32.const {})))
              (local.set 1 (i32.add (local.get 1) (i32.const 1))))",
            bit(n)
        )
    });
    let text = format!(
        "(module
  (func (export \"count\") (param i32) (result i32) (local i32)
{code}    (local.get 1)))\n"
    );
    text + &lines([0, 1, 1 << (BITS - 1), (1 << BITS) - 1], |x| {
        let count = (0..ADDITIONS).filter(|&n| x & bit(n) == 0).count();
        format!("(assert_return (invoke \"count\" (i32.const {x})) (i32.const {count}))")
    })
}

/// Structures whose fields lie beyond what an offset of a load or store can name, at each width:
/// written by each instruction that makes or sets them, read back, and kept alive by a collection.
fn large_objects() -> String {
    let mut text = String::new();
    for count in [510, 600, 2_100, 4_200, 9_900] {
        let fields = "(field (mut i64)) ".repeat(count);
        let zeros = "(i64.const 0) ".repeat(count);
        let last = count - 1;
        let tail = "(field (mut i8)) (field (mut i16)) (field (mut i32)) (field (mut f32))
            (field (mut f64)) (field (mut v128)) (field (mut anyref)) (field (mut i8))";
        let at = |n: usize| count + n;
        let _ = writeln!(
            text,
            "(module
  (type $s (sub (struct {fields} {tail})))
  (type $t (sub $s (struct {fields} {tail} (field (mut anyref)))))
  (global $s (mut (ref null $s)) (ref.null $s))
  (func (export \"make\") (param i32)
    (global.set $s (struct.new $s {zeros}
      (local.get 0) (local.get 0) (local.get 0) (f32.const 1.5) (f64.const -2.5)
      (v128.const i64x2 3 4) (ref.i31 (i32.const 77)) (i32.const 255))))
  (func (export \"make_default\") (global.set $s (struct.new_default $t)))
  (func (export \"set\") (param i32 i64)
    (struct.set $s {first} (global.get $s) (local.get 1))
    (struct.set $s {last} (global.get $s) (i64.add (local.get 1) (i64.const 1)))
    (struct.set $s {a} (global.get $s) (local.get 0))
    (struct.set $s {b} (global.get $s) (local.get 0))
    (struct.set $s {c} (global.get $s) (local.get 0))
    (struct.set $s {d} (global.get $s) (f32.convert_i32_s (local.get 0)))
    (struct.set $s {e} (global.get $s) (f64.convert_i64_s (local.get 1)))
    (struct.set $s {f} (global.get $s) (i64x2.splat (local.get 1)))
    (struct.set $s {g} (global.get $s) (struct.new_default $s))
    (struct.set $s {h} (global.get $s) (local.get 0)))
  (func (export \"get\") (result i64 i64 i32 i32 i32 i32 i32 f32 f64 v128 i32 i32)
    (struct.get $s {first} (global.get $s)) (struct.get $s {last} (global.get $s))
    (struct.get_s $s {a} (global.get $s)) (struct.get_u $s {a} (global.get $s))
    (struct.get_s $s {b} (global.get $s)) (struct.get_u $s {b} (global.get $s))
    (struct.get $s {c} (global.get $s)) (struct.get $s {d} (global.get $s))
    (struct.get $s {e} (global.get $s)) (struct.get $s {f} (global.get $s))
    (ref.test (ref $s) (struct.get $s {g} (global.get $s)))
    (struct.get_s $s {h} (global.get $s)))
  (func (export \"churn\") (param i32) (local anyref)
    (loop $again
      (local.set 1 (struct.new_default $s))
      (struct.set $s {last} (ref.cast (ref $s) (local.get 1)) (i64.const -1))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export \"inner\") (result i64)
    (struct.get $s {last} (ref.cast (ref $s) (struct.get $s {g} (global.get $s)))))
  (func (export \"i31\") (result i32)
    (i31.get_u (ref.cast i31ref (struct.get $s {g} (global.get $s))))))
(assert_trap (invoke \"get\") \"null structure reference\")
(invoke \"make\" (i32.const 0x8181))
(assert_return (invoke \"get\") (i64.const 0) (i64.const 0) (i32.const -127) (i32.const 129)
  (i32.const -32383) (i32.const 33153) (i32.const 0x8181) (f32.const 1.5) (f64.const -2.5)
  (v128.const i64x2 3 4) (i32.const 0) (i32.const -1))
(assert_return (invoke \"i31\") (i32.const 77))
(invoke \"set\" (i32.const 0x1ff80) (i64.const 12))
(invoke \"churn\" (i32.const 300))
(assert_return (invoke \"get\") (i64.const 12) (i64.const 13) (i32.const -128) (i32.const 128)
  (i32.const -128) (i32.const 65408) (i32.const 0x1ff80) (f32.const 130944) (f64.const 12)
  (v128.const i64x2 12 12) (i32.const 1) (i32.const -128))
(assert_return (invoke \"inner\") (i64.const 0))
(invoke \"make_default\")
(assert_return (invoke \"get\") (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
  (i32.const 0) (i32.const 0) (i32.const 0) (f32.const 0) (f64.const 0)
  (v128.const i64x2 0 0) (i32.const 0) (i32.const 0))",
            first = 0,
            a = at(0),
            b = at(1),
            c = at(2),
            d = at(3),
            e = at(4),
            f = at(5),
            g = at(6),
            h = at(7),
        );
    }
    text
}

/// Objects whose references lie on an operand stack beyond 70,000 slots of locals: made by each
/// instruction, and kept alive there by the collections of others.
fn far_objects() -> String {
    let text = format!(
        "(module
  (type $s (struct (field (mut i32)) (field (mut i64))))
  (type $a (array (mut i64)))
  (func (export \"made\") (param i64) (result i64) (local{locals})
    (i64.extend_i32_u (struct.get $s 0
      (struct.new $s (i32.wrap_i64 (local.get 0)) (i64.const -1))))
    (struct.get $s 1 (struct.new $s (i32.const -1) (i64.add (local.get 0) (i64.const 1))))
    (array.get $a
      (array.new_fixed $a 3 (i64.const 5) (i64.mul (local.get 0) (i64.const 10)) (i64.const 7))
      (i32.const 1))
    (array.get $a
      (array.new $a (i64.add (local.get 0) (i64.const 100)) (i32.const 4)) (i32.const 3))
    (i64.extend_i32_u (array.len (array.new_default $a (i32.const 9))))
    (i64.extend_i32_u (ref.test (ref $s) (struct.new_default $s)))
    (i64.add) (i64.add) (i64.add) (i64.add) (i64.add))
  (func (export \"kept\") (param i64) (result i64) (local{locals})
    (struct.new $s (i32.const 1) (i64.mul (local.get 0) (i64.const 3)))
    (struct.new $s (i32.const 2) (i64.mul (local.get 0) (i64.const 5)))
    (array.new $a (i64.mul (local.get 0) (i64.const 7)) (i32.const 2000))
    (local.set 0 (array.get $a (i32.const 1999)))
    (local.set 0 (i64.add (struct.get $s 1) (local.get 0)))
    (struct.get $s 1)
    (i64.add (local.get 0))))\n",
        locals = " v128".repeat(35_000),
    );
    text + &lines([0, 1, 12, 1_000], |x| {
        format!(
            "(assert_return (invoke \"made\" (i64.const {x})) (i64.const {}))
(assert_return (invoke \"kept\" (i64.const {x})) (i64.const {}))",
            13 * x + 111,
            15 * x
        )
    })
}

/// The types of many mixed arguments, in turn.
const MIXED: [&str; 5] = ["i32", "f64", "v128", "i64", "f32"];

/// The `n`th argument's type.
fn mixed_type(n: u64) -> &'static str {
    MIXED[(n * 7 / 2 % 5) as usize]
}

/// The `n`th argument, as a constant of its type.
fn mixed(n: u64) -> String {
    let ty = mixed_type(n);
    match ty {
        "v128" => format!("(v128.const i64x2 {} {})", n * 3, u64::MAX - n),
        "f32" | "f64" => format!("({ty}.const {n}.5)"),
        _ => format!("({ty}.const {})", n * 0x0101_0101),
    }
}

/// Calls and tail calls with many mixed arguments and results: in registers and on the stack, from
/// few arguments to many and from many to few, direct, indirect, by reference and to an import.
fn calls() -> String {
    let counts = [1_u64, 3, 8, 9, 10, 17, 33, 64];
    let join = |numbers: &mut dyn Iterator<Item = u64>, item: &dyn Fn(u64) -> String| {
        numbers.map(|n| item(n) + " ").collect::<String>()
    };
    let types = |numbers: &mut dyn Iterator<Item = u64>| join(numbers, &|n| mixed_type(n).into());
    let (mut rotations, mut callers, mut asserts) = (String::new(), String::new(), String::new());
    for count in counts {
        // All parameters are results, the first one last.
        let rotated = || (1..count).chain([0]);
        let signature = format!(
            "(param {}) (result {})",
            types(&mut (0..count)),
            types(&mut rotated())
        );
        let results = format!("(result {})", types(&mut rotated()));
        let gets = join(&mut rotated(), &|n| format!("(local.get {n})"));
        let values = join(&mut (0..count), &mixed);
        let _ = writeln!(
            rotations,
            "(type $t{count} (func {signature}))
(func $rotate{count} (export \"rotate{count}\") (type $t{count}) {gets})"
        );
        let reference = format!("(ref.func $rotate{count})");
        let forms = [
            ("call", format!("(call $rotate{count} {values})")),
            (
                "indirect",
                format!("(call_indirect (type $t{count}) {values} (local.get 0))"),
            ),
            (
                "by_ref",
                format!("(call_ref $t{count} {values} {reference})"),
            ),
            ("tail", format!("(return_call $rotate{count} {values})")),
            (
                "tail_indirect",
                format!("(return_call_indirect (type $t{count}) {values} (local.get 0))"),
            ),
            (
                "tail_by_ref",
                format!("(return_call_ref $t{count} {values} {reference})"),
            ),
        ];
        let index = counts.iter().position(|&other| other == count).unwrap_or(0);
        for (form, call) in forms {
            let _ = writeln!(
                callers,
                "(func ${form}{count} (export \"{form}{count}\") (param i32) {results} {call})
(func (export \"{form}{count}_among\") (param i32) (result i32 i64 {})
  (local i64)
  (local.set 1 (i64.extend_i32_u (local.get 0)))
  (i32.mul (local.get 0) (i32.const 3)) (local.get 1) (call ${form}{count} (local.get 0)))",
                types(&mut rotated())
            );
            let rotated = join(&mut rotated(), &mixed);
            let _ = writeln!(
                asserts,
                "(assert_return (invoke \"{form}{count}\" (i32.const {index})) {rotated})
(assert_return (invoke \"{form}{count}_among\" (i32.const {index}))
  (i32.const {}) (i64.const {index}) {rotated})",
                index * 3
            );
        }
    }
    let names = join(&mut counts.into_iter(), &|count| format!("$rotate{count}"));
    let imports = lines(counts, |count| {
        format!("(func $rotate{count} (import \"own\" \"rotate{count}\") (type $t{count}))")
    });
    let type_lines = rotations.lines().filter(|line| line.starts_with("(type"));
    let types_only = type_lines.collect::<Vec<_>>().join("\n");
    let table = format!("(table funcref (elem {names}))");
    let alternating = alternating_tail_calls();
    format!(
        "(module $Own {rotations} {table} {callers})
{asserts}
(register \"own\" $Own)
(module {types_only} {imports} {table} {callers})
{asserts}
{alternating}"
    )
}

/// Two functions that call each other by tail calls, one with two parameters, the other with forty:
/// the frame's arguments grow and shrink each time, and the stack does not.
fn alternating_tail_calls() -> String {
    const MANY: u64 = 40;
    let types = (0..MANY).map(mixed_type).collect::<Vec<_>>().join(" ");
    let given = lines(0..MANY, |n| {
        let wide = format!("(i64.add (local.get 1) (i64.const {n}))");
        match mixed_type(n) {
            "i32" => format!("(i32.wrap_i64 {wide})"),
            "f32" => format!("(f32.convert_i64_s (i64.and {wide} (i64.const 1023)))"),
            "f64" => format!("(f64.convert_i64_s (i64.and {wide} (i64.const 0xffff)))"),
            "v128" => format!("(i64x2.splat {wide})"),
            _ => wide,
        }
    });
    let taken = lines(0..MANY, |n| {
        let get = format!("(local.get {})", n + 1);
        let wide = match mixed_type(n) {
            "i32" => format!("(i64.extend_i32_s {get})"),
            "f32" | "f64" => format!("(i64.trunc_{}_s {get})", mixed_type(n)),
            "v128" => format!("(i64x2.extract_lane 1 {get})"),
            _ => get,
        };
        format!("(i64.add (i64.mul {wide} (i64.const {})))", n + 1)
    });
    let mut script = format!(
        "(module
  (type $few (func (param i32 i64) (result i64)))
  (table funcref (elem $few))
  (func $few (export \"alternate\") (type $few)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $many (local.get 0) {given}))
  (func $many (param i32 {types}) (result i64)
    (return_call_indirect (type $few)
      (i32.sub (local.get 0) (i32.const 1))
      (i64.const 0) {taken}
      (i32.const 0)))
  (func (export \"among\") (param i32 i64) (result i64 i64 i64)
    (i64.const 11) (call $few (local.get 0) (local.get 1)) (local.get 1)))\n"
    );
    let step = |x: u64| {
        (0..MANY).fold(0_u64, |sum, n| {
            let wide = x.wrapping_add(n);
            let taken = match mixed_type(n) {
                "i32" => wide as i32 as u64,
                "f32" => wide & 1023,
                "f64" => wide & 0xffff,
                _ => wide,
            };
            sum.wrapping_add(taken.wrapping_mul(n + 1))
        })
    };
    for (times, start) in [(0, 5_u64), (1, 5), (2, 0x8000_1234_5678), (30_000, 1)] {
        let result = (0..times).fold(start, |x, _| step(x));
        let _ = writeln!(
            script,
            "(assert_return (invoke \"alternate\" (i32.const {times}) (i64.const {start}))
  (i64.const {result}))
(assert_return (invoke \"among\" (i32.const {times}) (i64.const {start}))
  (i64.const 11) (i64.const {result}) (i64.const {start}))"
        );
    }
    script
}
