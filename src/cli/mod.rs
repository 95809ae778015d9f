//! The command line: arguments as typed ([`args`]), checked and carried out one file per command.
//!
//! Results go to stdout, progress, notes and errors to stderr. Errors are two lines, the second says what to do.
//! [`run`] holds the exit codes.

mod applied;
pub mod args;
mod array_columns;
mod arrays;
mod beside;
mod cursor;
mod data;
mod demo;
pub mod feature;
mod fit;
mod fit_text;
pub mod inspect;
mod inspect_text;
mod machine;
mod merge;
mod outputs;
mod predict;
mod progress;
pub mod quantity;
mod result;
pub mod run;
mod score;
mod series_samples;
mod shell;
mod suggestion;
mod tuning;
mod tuning_report;
mod tuning_table;
mod usage;
