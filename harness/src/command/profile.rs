//! `wassay profile`: exact counts of what a program executes, by function, line, opcode and call.
//!
//! The program runs in the stack tier with probes (`wassay_runtime`'s `count.rs`). The unit is the
//! executed instruction, as it is of fuel: counts are the same on every host and each time. Owns
//! the forms in which they are written; [`account`] makes them from the counts.

use std::io::Write;

use fxprof_processed_profile::{
    CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile, ReferenceTimestamp,
    SamplingInterval, StackHandle, Timestamp,
};
use wassay_runtime::Tier;
use wassay_runtime::interior::count::{Counter, Counts};

use super::run;
use crate::cli::{ProfileArgs, ProfileForm};
use crate::error::{Exit, InputError};
use crate::present::destination::Destination;
use crate::tier::RunTier;

mod account;

use account::Account;

/// Answers `wassay profile`; the exit code is that of the program.
///
/// # Errors
/// If the program cannot be run, or the profile cannot be written.
pub fn command(args: &mut ProfileArgs) -> Result<Exit, InputError> {
    let stack = RunTier::Measured(crate::tier::Tier::Stack);
    if args.run.tier != RunTier::default() && args.run.tier != stack {
        let message = format!(
            "instructions are counted in tier `{}`, and not in `{}`",
            Tier::Stack.name(),
            args.run.tier
        );
        return Err(InputError::usage(message));
    }
    args.run.tier = stack;
    let mut files = Vec::new();
    for request in &args.write {
        files.push((request.form, Destination::open(&request.path)?));
    }
    let counter = Counter::leak();
    let exit = run::counted(&args.run, counter)?;
    counter.read(|counts| {
        let account = Account::of(counts);
        if files.is_empty() {
            eprint!("{}", account.text(args.top));
        }
        for (form, destination) in files {
            let mut content = Vec::new();
            write(form, counts, &account, args, &mut content)
                .map_err(|error| InputError::from_error(destination.path(), error))?;
            destination.write(&content)?;
        }
        Ok(exit)
    })
}

fn write(
    form: ProfileForm,
    counts: &Counts,
    account: &Account,
    args: &ProfileArgs,
    to: &mut dyn Write,
) -> std::io::Result<()> {
    match form {
        ProfileForm::Text => to.write_all(account.text(args.top).as_bytes()),
        ProfileForm::Json => {
            serde_json::to_writer_pretty(&mut *to, account)?;
            to.write_all(b"\n")
        }
        ProfileForm::Folded => folded(counts, to),
        ProfileForm::Firefox => {
            let name = args.run.file.file_name().unwrap_or_default().display();
            Ok(serde_json::to_writer(
                to,
                &firefox(counts, &name.to_string()),
            )?)
        }
    }
}

/// A line for each path of calls: the functions, the outermost first, and the instructions.
fn folded(counts: &Counts, to: &mut dyn Write) -> std::io::Result<()> {
    let functions = counts.functions();
    for path in counts.paths().iter().filter(|it| it.instructions > 0) {
        let mut names = Vec::new();
        let mut next = Some(path);
        while let Some(path) = next {
            let name = functions[path.function as usize].to_string();
            // These separate names, and the names from the number.
            names.push(name.replace([';', ' '], "_"));
            next = path.caller.map(|caller| &counts.paths()[caller as usize]);
        }
        names.reverse();
        writeln!(to, "{} {}", names.join(";"), path.instructions)?;
    }
    Ok(())
}

/// The profile for Firefox's profiler: a sample for each path, weighed by its instructions; of so
/// many that a weight does not hold them, by thousands, millions, ...
fn firefox(counts: &Counts, name: &str) -> Profile {
    let begin = Timestamp::from_millis_since_reference(0.0);
    let epoch = ReferenceTimestamp::from_millis_since_unix_epoch(0.0);
    let mut profile = Profile::new(name, epoch, SamplingInterval::from_millis(1));
    let process = profile.add_process(name, 1, begin);
    let thread = profile.add_thread(process, 1, begin, true);
    let total: u64 = counts.paths().iter().map(|it| it.instructions).sum();
    let mut unit = 1;
    while total / unit > i32::MAX as u64 {
        unit *= 1000;
    }
    let unit_name = match unit {
        1 => "instructions".to_string(),
        unit => format!("{unit} instructions"),
    };
    profile.set_thread_name(thread, &format!("{name} (a sample is {unit_name})"));
    let mut stacks: Vec<StackHandle> = Vec::new();
    for (number, path) in counts.paths().iter().enumerate() {
        let label = counts.functions()[path.function as usize].to_string();
        let label = profile.intern_string(&label);
        let info = FrameInfo {
            frame: Frame::Label(label),
            category_pair: CategoryHandle::OTHER.into(),
            flags: FrameFlags::empty(),
        };
        let frame = profile.intern_frame(thread, info);
        let caller = path.caller.map(|caller| stacks[caller as usize]);
        let stack = profile.intern_stack(thread, caller, frame);
        stacks.push(stack);
        let weight = i32::try_from(path.instructions / unit).unwrap_or(i32::MAX);
        if weight > 0 {
            let at = Timestamp::from_millis_since_reference(number as f64);
            profile.add_sample(thread, at, Some(stack), CpuDelta::ZERO, weight);
        }
    }
    profile
}
