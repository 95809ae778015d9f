//! Running a command: settings that all share, errors, exit codes.

use std::ffi::OsString;
use std::io::{self, Write};

use super::args::{BackendChoice, Cli, Command, Common};
use super::progress::Progress;
use super::study::{self, Refused};
use super::{
    bench, categorical, check, demo, devices, export, fit, inspect, predict, score, shell_help, signals,
    simulate, tuning, usage,
};
use crate::error::Blame;
use crate::write::categorical::CategoricalFile;
use crate::{Error, Result};

/// What a command did.
pub(super) struct Report {
    /// What belongs on stdout.
    pub(super) text: String,
    /// Whether every target converged.
    pub(super) converged: bool,
}

/// Parses the arguments, runs the command and returns the exit code: 0 done, 1 the machine failed, 2 what was
/// typed, 3 what a file contains, 4 some target is not at its optimum, 5 no such device.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    signals::handle();
    let cli: Cli = match study::parse(&arguments) {
        Ok(cli) => cli,
        Err(Refused::Words(error)) => return misused(&error, &arguments),
        Err(Refused::Study(error)) => return failed(&error),
    };
    match run(&cli.command) {
        Ok(report) => {
            match io::stdout().write_all(report.text.as_bytes()).and_then(|()| io::stdout().flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    say(&format!("error: standard output: {error}\nhelp: check where it goes"));
                    1
                }
                _ => {
                    if report.converged {
                        0
                    } else {
                        4
                    }
                }
            }
        }
        Err(error) => failed(&error),
    }
}

/// Says what went wrong; the exit code.
fn failed(error: &Error) -> u8 {
    if signals::was_the_reason(error) {
        return 1;
    }
    say(&format!("error: {error}\nhelp: {}", error.help()));
    match error.blame() {
        Blame::Machine => 1,
        Blame::Request => 2,
        Blame::Data => 3,
        Blame::Device => 5,
    }
}

/// Help and version where they were asked for, else what is wrong with the words.
fn misused(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(error) = usage::error(error, &words) {
        return failed(&error);
    }
    // a closed pipe is a quiet stop
    drop(error.print());
    u8::try_from(error.exit_code()).unwrap_or(2)
}

fn run(command: &Command) -> Result<Report> {
    match command {
        Command::Inspect(args) => {
            let file = crate::read::nwb::open(&args.file)?;
            let findings = args.check.then(|| {
                let progress = Progress::new(false);
                progress.stage("checking every value", None);
                file.check()
            });
            let inspection = inspect::inspect(&file, findings.as_deref());
            let text = if args.json { pretty(&inspection.json()?) } else { inspection.text() };
            Ok(Report { text, converged: true })
        }
        Command::Bench(args) => bench::bench(args),
        Command::Devices(args) => Ok(devices::devices(args)),
        Command::Demo(args) => demo::demo(args),
        Command::Completions(args) => Ok(shell_help::completions(args)),
        Command::Man(args) => shell_help::man(args),
        Command::Fit(args) if args.print_config => fit::print_study(args),
        Command::Fit(args) if args.model.is_categorical() => {
            settle_threads(args.common.threads)?;
            categorical::fit(args)
        }
        Command::Fit(args) => {
            settle_threads(args.common.threads)?;
            fit::fit(args)
        }
        Command::Score(args) => {
            settle_on_cpu("score", &args.common)?;
            if CategoricalFile::is_one(&args.model) { categorical::score(args) } else { score::score(args) }
        }
        Command::Check(args) => {
            settle_on_cpu("check", &args.common)?;
            check::check(args)
        }
        Command::Predict(args) => {
            settle_threads(args.threads)?;
            if CategoricalFile::is_one(&args.model) {
                categorical::predict(args)
            } else {
                predict::predict(args)
            }
        }
        Command::Simulate(args) => simulate::simulate(args),
        Command::Export(args) => export::export(args),
        Command::Tuning(args) => tuning::tuning(args),
    }
}

/// Puts the common settings of a command in force that computes on the CPU alone.
fn settle_on_cpu(command: &str, common: &Common) -> Result<()> {
    let is_typed = |option: &str| common.environment.variable(option).is_none();
    let refused = |device: String| {
        let problem = format!("`rheobase {command}` computes on the CPU; only fits use a GPU");
        Err(Error::Device { device, problem })
    };
    match &common.device {
        Some(device) if is_typed("device") => return refused(device.clone()),
        _ if common.backend == BackendChoice::Gpu && is_typed("backend") => return refused("gpu".into()),
        _ => {}
    }
    settle_threads(common.threads)
}

/// Makes the threads that were asked for.
pub(super) fn settle_threads(threads: Option<usize>) -> Result<()> {
    match threads {
        None => Ok(()),
        Some(0) => Err(Error::argument("threads", "1 or more", "0", "leave it out to use all cores")),
        Some(n_threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build_global();
            pool.map_err(|e| Error::argument("threads", "a pool of threads", e.to_string(), "try fewer"))
        }
    }
}

/// Works on a thread of the pool, where small passes are cheap to share.
pub(super) fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

/// JSON for people and programs, with a line end.
pub(super) fn pretty(value: &serde_json::Value) -> String {
    // `Display` of a value cannot fail; `#` indents
    format!("{value:#}\n")
}

/// One line (or a few) on stderr; a closed stderr is nobody's problem.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
