//! The account of a profile: sums by function, call, line, opcode and pair of opcodes, each with
//! the largest first.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use serde::Serialize;
use wassay_runtime::interior::count::{CountedFunction, Counts};

use crate::command::run::lines::Lines;

/// The account.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    /// All instructions.
    instructions: u64,
    functions: Vec<FunctionSum>,
    calls: Vec<CallSum>,
    lines: Vec<LineSum>,
    opcodes: Vec<NamedSum>,
    /// Opcodes that were executed one after the other.
    pairs: Vec<NamedSum>,
}

/// The sums of a function.
#[derive(Debug, Serialize)]
struct FunctionSum {
    name: String,
    index: u32,
    calls: u64,
    /// Instructions of the function itself.
    own: u64,
    /// Instructions of the function and of all that it has called.
    total: u64,
}

/// The calls of a function by another one.
#[derive(Debug, Serialize)]
struct CallSum {
    /// The caller; none is the host.
    caller: Option<String>,
    callee: String,
    calls: u64,
}

/// The sums of a line of the source.
#[derive(Clone, Debug, Default, Serialize)]
struct LineSum {
    name: String,
    /// Instructions of the line itself.
    count: u64,
    /// Instructions of the line and of all that it has called.
    total: u64,
}

/// A sum of something with a name.
#[derive(Debug, Serialize)]
pub(super) struct NamedSum {
    pub(super) name: String,
    pub(super) count: u64,
}

impl Account {
    /// The account of some counts.
    pub(super) fn of(counts: &Counts) -> Account {
        let mut opcodes: HashMap<&str, u64> = HashMap::new();
        for site in counts.sites() {
            *opcodes.entry(site.op.mnemonic()).or_default() += site.count;
        }
        let pairs = counts.pairs().map(|((first, second), count)| {
            let name = format!("{} {}", first.mnemonic(), second.mnemonic());
            (name, count)
        });
        Account {
            instructions: counts.sites().iter().map(|site| site.count).sum(),
            functions: functions(counts),
            calls: calls(counts),
            lines: lines(counts),
            opcodes: sorted(opcodes.into_iter().map(|(name, n)| (name.to_string(), n))),
            pairs: sorted(pairs),
        }
    }

    /// The account as text, with so many rows of each table.
    pub(super) fn text(&self, top: usize) -> String {
        let all = self.instructions;
        let part = |count: u64| percent(count, all);
        let mut out = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| put_line(&mut out, line);
        put(format_args!(
            "{all} instructions were executed (stack tier, exact)\n"
        ));
        put(format_args!(
            "{:>14}        {:>14}        {:>12}  function",
            "self", "total", "calls"
        ));
        for row in self.functions.iter().take(top) {
            put(format_args!(
                "{:>14} {:>5.1}% {:>14} {:>5.1}% {:>12}  {}",
                row.own,
                part(row.own),
                row.total,
                part(row.total),
                row.calls,
                row.name
            ));
        }
        put(format_args!("\n{:>14}         call", "calls"));
        for row in self.calls.iter().take(top) {
            let caller = row.caller.as_deref().unwrap_or("the host");
            put(format_args!(
                "{:>14}         {caller} -> {}",
                row.calls, row.callee
            ));
        }
        if !self.lines.is_empty() {
            put(format_args!(
                "\n{:>14}        {:>14}         line",
                "self", "total"
            ));
        }
        for row in self.lines.iter().take(top) {
            put(format_args!(
                "{:>14} {:>5.1}% {:>14} {:>5.1}%  {}",
                row.count,
                part(row.count),
                row.total,
                part(row.total),
                row.name
            ));
        }
        for (title, rows) in [("opcode", &self.opcodes), ("pair of opcodes", &self.pairs)] {
            if rows.is_empty() {
                continue;
            }
            put(format_args!("\n{:>14}         {title}", "instructions"));
            for row in rows.iter().take(top) {
                let NamedSum { name, count } = row;
                put(format_args!("{count:>14} {:>5.1}%  {name}", part(*count)));
            }
        }
        out
    }
}

/// Adds a line to a text.
pub(super) fn put_line(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line)
        .expect("writing to a string cannot fail");
    out.push('\n');
}

/// A part of a whole in percent; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Sums by name, the largest first.
pub(super) fn sorted(sums: impl IntoIterator<Item = (String, u64)>) -> Vec<NamedSum> {
    let sums = sums.into_iter().filter(|(_, count)| *count > 0);
    let mut rows: Vec<NamedSum> = sums.map(|(name, count)| NamedSum { name, count }).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn functions(counts: &Counts) -> Vec<FunctionSum> {
    let named = |function: &CountedFunction| FunctionSum {
        name: function.to_string(),
        index: function.func,
        calls: 0,
        own: 0,
        total: 0,
    };
    let mut rows: Vec<FunctionSum> = counts.functions().iter().map(named).collect();
    let paths = counts.paths();
    // Callers come before those that they call.
    let mut below: Vec<u64> = paths.iter().map(|path| path.instructions).collect();
    let mut callees: Vec<Vec<usize>> = vec![Vec::new(); paths.len()];
    for (number, path) in paths.iter().enumerate().rev() {
        if let Some(caller) = path.caller {
            below[caller as usize] += below[number];
            callees[caller as usize].push(number);
        }
        let row = &mut rows[path.function as usize];
        row.calls += path.calls;
        row.own += path.instructions;
    }
    // Of a function that has called itself, the outermost call counts.
    let mut running = vec![0u32; rows.len()];
    for outermost in (0..paths.len()).filter(|&it| paths[it].caller.is_none()) {
        let mut open = vec![(outermost, false)];
        while let Some((number, is_left)) = open.pop() {
            let function = paths[number].function as usize;
            if is_left {
                running[function] -= 1;
                continue;
            }
            if running[function] == 0 {
                rows[function].total += below[number];
            }
            running[function] += 1;
            open.push((number, true));
            open.extend(callees[number].iter().map(|&callee| (callee, false)));
        }
    }
    rows.retain(|row| row.calls > 0);
    rows.sort_by(|a, b| b.own.cmp(&a.own).then_with(|| a.index.cmp(&b.index)));
    rows
}

fn calls(counts: &Counts) -> Vec<CallSum> {
    let mut sums: HashMap<(Option<u32>, u32), u64> = HashMap::new();
    for path in counts.paths() {
        let caller = path.caller.map(|it| counts.paths()[it as usize].function);
        *sums.entry((caller, path.function)).or_default() += path.calls;
    }
    let name = |function: u32| counts.functions()[function as usize].to_string();
    let mut rows: Vec<((Option<u32>, u32), u64)> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let row = |((caller, callee), calls): ((Option<u32>, u32), u64)| CallSum {
        caller: caller.map(name),
        callee: name(callee),
        calls,
    };
    rows.into_iter().map(row).collect()
}

/// The sums of the lines of the source, those with the most instructions of their own first.
fn lines(counts: &Counts) -> Vec<LineSum> {
    let (of_site, mut rows) = lines_of_sites(counts);
    for (calling, site, count) in counts.steps() {
        let own = of_site[site as usize];
        if let Some(line) = own {
            rows[line].count += count;
        }
        let calling = calling.iter().map(|&site| of_site[site as usize]);
        // Of a line that calls itself, or by several instructions, an execution counts once.
        let lines: BTreeSet<usize> = calling.chain([own]).flatten().collect();
        for line in lines {
            rows[line].total += count;
        }
    }
    rows.retain(|row| row.total > 0);
    rows.sort_by(|a, b| {
        let key = |row: &LineSum| std::cmp::Reverse((row.count, row.total));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    rows
}

/// The line of each site that was executed, and all lines.
fn lines_of_sites(counts: &Counts) -> (Vec<Option<usize>>, Vec<LineSum>) {
    let mut rows: Vec<LineSum> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let functions = counts.functions();
    let mut modules: Vec<(&CountedFunction, Option<Lines<'_>>)> = Vec::new();
    let of_site = counts.sites().iter().map(|site| {
        if site.count == 0 {
            return None;
        }
        let function = &functions[site.function as usize];
        let known = modules
            .iter()
            .position(|(of, _)| of.is_of_same_module(function));
        let known = known.unwrap_or_else(|| {
            modules.push((function, Lines::read(function.module_bytes())));
            modules.len() - 1
        });
        let name = modules[known]
            .1
            .as_ref()?
            .line(site.offset_bytes as usize)?;
        Some(*numbers.entry(name).or_insert_with_key(|name| {
            rows.push(LineSum {
                name: name.clone(),
                ..LineSum::default()
            });
            rows.len() - 1
        }))
    });
    (of_site.collect(), rows)
}
