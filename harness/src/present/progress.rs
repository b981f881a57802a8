//! What a user sees while a run goes on: a progress bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::EngineName;
use crate::pool::Observer;
use crate::script::Script;
use crate::suite::select::Chosen;
use crate::thread;

/// How often the bar is drawn while nothing is done.
const TICK: Duration = Duration::from_millis(250);

/// A bar over all directives of all tiers.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    tiers: usize,
}

impl Progress {
    /// A bar for the chosen files in so many tiers; hidden when stderr is no terminal.
    pub fn new(chosen: &Chosen, tiers: usize) -> Progress {
        let directives: usize = chosen.files.iter().map(|f| f.script.directives).sum();
        Progress::over(directives, tiers)
    }

    /// A bar over directives that each tier runs.
    fn over(directives: usize, tiers: usize) -> Progress {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some((directives * tiers) as u64), target);
        let template = "{elapsed_precise} {wide_bar} {pos}/{len} {msg:24!}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            let ticking = bar.clone();
            // A bar without a thread moves when a file is done.
            let _ = thread::builder().spawn(move || tick(&ticking));
        }
        Progress { bar, tiers }
    }

    /// A bar whose end is not known yet: it grows by what is announced.
    pub fn open_ended(tiers: usize) -> Progress {
        Progress::over(0, tiers)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Draws a bar until it is taken away.
fn tick(bar: &ProgressBar) {
    while !bar.is_finished() {
        bar.tick();
        std::thread::sleep(TICK);
    }
}

impl Observer for Progress {
    fn more(&self, directives: usize) {
        self.bar.inc_length((directives * self.tiers) as u64);
    }

    fn file_done(&self, tier: EngineName, script: &Script) {
        self.bar.set_message(format!("{tier} {}", script.path));
        self.bar.inc(script.directives.len() as u64);
    }

    fn warn(&self, message: &str) {
        self.bar.suspend(|| eprintln!("wassay: {message}"));
    }
}
