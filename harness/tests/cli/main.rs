//! The program itself, as a user meets it, where that takes signals, processes, a terminal or a
//! look into the report; and that it leaves nothing behind. Plain commands are data
//! (`commands.rs`).

mod ends;
mod modes;
mod place;
mod profile;
mod reports;
mod run;
mod shapes;
mod spec;
