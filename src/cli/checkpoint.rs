//! Checkpoints: what a fit that was stopped, or killed, goes on from.
//!
//! A checkpoint is the journal of a fit ([`crate::glm::Journal`]) with what it is the journal of: the version of the program, all options
//! that decide the result, and the digests of the files that these name. It is written now and then while the fit runs, at once when the
//! fit is stopped, and removed when everything is written. `--resume` takes it up; one of another fit is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::args::{FitArgs, duration};
use super::run::say;
use super::shell::shell_word;
use crate::glm::{Entries, Journal};
use crate::write::digest::digest_file;
use crate::write::json::{json_bytes, read_json};
use crate::write::save::{check_writable_file, save_bytes};
use crate::{Error, Result};

/// The checkpoint in the folder of results.
const NAME: &str = "checkpoint.json";
/// How often a checkpoint is written unless the command says.
const EVERY: Duration = Duration::from_secs(15);
/// Of all the time, a part of one in so many goes into writing checkpoints at most.
const COST: u32 = 100;
/// Options that may differ: they decide neither the data nor the answer.
const FREE: [&str; 12] = [
    "data",
    "out",
    "json",
    "quiet",
    "threads",
    "explain",
    "time-limit",
    "max-iterations",
    "memory-limit",
    "checkpoint",
    "checkpoint-every",
    "write-nwb",
];

/// Where checkpoints go.
#[derive(Clone, Debug, Args)]
pub struct CheckpointArgs {
    /// Go on from the checkpoint of the same command that was stopped or killed; from the start where there is none
    #[arg(long)]
    pub resume: bool,
    /// Where a fit that is stopped can be resumed from; DIR/checkpoint.json of --out DIR without it, and nowhere without --out
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// How often the checkpoint is written while the fit runs, with its unit; 15s without it
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub checkpoint_every: Option<f64>,
}

/// What a checkpoint is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Identity {
    version: String,
    /// Options that decide the result, as a study holds them.
    options: BTreeMap<String, String>,
    /// SHA-256 of the files that options name, by option.
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    schema: u32,
    of: Identity,
    progress: Entries,
}

/// Keeps the checkpoint of one command.
pub(super) struct Keeper {
    path: Option<PathBuf>,
    of: Identity,
    journal: Journal,
    every: Duration,
    /// The command that goes on from it.
    resume: Option<String>,
    writing: Mutex<Writing>,
}

struct Writing {
    /// When it is time for the next one.
    next: Instant,
    /// Why the last one could not be written.
    failed: Option<String>,
    is_there: bool,
}

impl CheckpointArgs {
    fn path(&self, out: Option<&Path>) -> Option<PathBuf> {
        self.checkpoint.clone().or_else(|| out.map(|folder| folder.join(NAME)))
    }
}

/// Checks the options, which needs no data.
pub(super) fn check(args: &FitArgs) -> Result<()> {
    let own = &args.checkpoint;
    if let Some(path) = &own.checkpoint {
        check_writable_file(path)?;
    }
    if own.path(args.common.out.as_deref()).is_some() {
        return Ok(());
    }
    let given = [("--resume", own.resume), ("--checkpoint-every", own.checkpoint_every.is_some())];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => {
            let help = "add the --out DIR of the fit that was stopped, or --checkpoint FILE";
            Err(Error::argument(
                option,
                "a place where the checkpoint is",
                "neither --out nor --checkpoint",
                help,
            ))
        }
    }
}

impl Keeper {
    /// The keeper of a fit to an input of this digest, with the checkpoint that it is to go on from, if it is.
    pub(super) fn begin(args: &FitArgs, sha256: &str) -> Result<Self> {
        let path = args.checkpoint.path(args.common.out.as_deref());
        let mut entries = Entries::default();
        let mut of = Identity::default();
        if let Some(path) = &path {
            of = Identity::of(args, sha256)?;
            if args.checkpoint.resume {
                entries = match read_json::<Checkpoint>(path) {
                    Ok(checkpoint) => {
                        checkpoint.of.check(&of, path)?;
                        checkpoint.progress
                    }
                    Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                        if !args.common.quiet {
                            let path = path.display();
                            say(&format!("note: {path} is not there: the fit begins at the start"));
                        }
                        Entries::default()
                    }
                    Err(error) => return Err(error),
                };
            }
        }
        let journal = if path.is_some() { Journal::new(entries) } else { Journal::default() };
        let every = args
            .checkpoint
            .checkpoint_every
            .map_or(EVERY, |every_s| Duration::try_from_secs_f64(every_s).unwrap_or(Duration::MAX));
        let next = Instant::now().checked_add(every).unwrap_or_else(Instant::now);
        let writing = Mutex::new(Writing { next, failed: None, is_there: false });
        Ok(Self { path, of, journal, every, resume: resume(), writing })
    }

    /// What the fit writes into.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes the checkpoint if it is time to.
    pub(super) fn write_in_time(&self) {
        if self.path.is_some() && Instant::now() >= self.lock().next {
            self.write();
        }
    }

    /// Writes the checkpoint. That it cannot be written ends no fit; it is said once.
    pub(super) fn write(&self) {
        let Some(path) = &self.path else { return };
        let mut writing = self.lock();
        let (started, progress) = (Instant::now(), self.journal.entries());
        if progress == Entries::default() {
            return;
        }
        let checkpoint = Checkpoint { schema: 1, of: self.of.clone(), progress };
        match json_bytes(&checkpoint).and_then(|bytes| save_bytes(path, &bytes)) {
            Ok(()) => (writing.failed, writing.is_there) = (None, true),
            Err(error) => {
                let message = format!("no checkpoint: {error}; the fit goes on");
                if writing.failed.is_none() {
                    say(&format!("warning: {message}"));
                }
                writing.failed = Some(error.to_string());
            }
        }
        let pause = self.every.max(COST * started.elapsed());
        writing.next = Instant::now().checked_add(pause).unwrap_or(started);
    }

    /// Where it goes, if it goes anywhere.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The command that goes on, where there is a checkpoint.
    pub(super) fn resume_command(&self) -> Option<&str> {
        self.resume.as_deref().filter(|_| self.lock().is_there)
    }

    /// What there is to go on from, for whoever stopped a fit.
    pub(super) fn remark(&self) -> String {
        let (Some(path), writing) = (&self.path, self.lock()) else {
            return "no checkpoint: give --out DIR or --checkpoint FILE for one".into();
        };
        match (&writing.failed, &self.resume) {
            (Some(error), _) => format!("no checkpoint: {error}"),
            _ if !writing.is_there => "no checkpoint: there is nothing to go on from yet".into(),
            (None, Some(resume)) => {
                format!("checkpoint written to {}; to go on:\n{resume}", path.display())
            }
            (None, None) => format!("checkpoint written to {}", path.display()),
        }
    }

    /// Everything is written: removes the checkpoint.
    pub(super) fn finish(&self) {
        if let Some(path) = &self.path
            && read_json::<Checkpoint>(path).is_ok()
        {
            // one that cannot be removed is refused or followed by the next `--resume`
            drop(std::fs::remove_file(path));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This command with `--resume`; `None` if it is no fit.
fn resume() -> Option<String> {
    let mut words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if words.get(1).map(String::as_str) != Some("fit") {
        return None;
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".into());
    }
    Some(words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "))
}

impl Identity {
    fn of(args: &FitArgs, sha256: &str) -> Result<Self> {
        let study: Table = args.study.toml().parse().map_err(|error: toml::de::Error| {
            let help = "rename the file, or fit without --checkpoint and --out";
            Error::argument("options", "a study that reads back", error.message(), help)
        })?;
        let mut own = Self { version: env!("CARGO_PKG_VERSION").into(), ..Self::default() };
        own.files.insert("data".into(), sha256.into());
        // tables, figures and copies need more of a fit than its numbers
        for (option, is_given) in
            [("out", args.common.out.is_some()), ("write-nwb", args.write_nwb.is_some())]
        {
            own.options.insert(option.into(), if is_given { "given" } else { "not given" }.into());
        }
        for (option, value) in study.into_iter().filter(|(option, _)| !FREE.contains(&option.as_str())) {
            let words: Vec<&str> = match &value {
                Value::String(word) => vec![word],
                Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            for (k, word) in words.into_iter().enumerate().filter(|(_, word)| Path::new(word).is_file()) {
                own.files.insert(format!("{option} {k}"), digest_file(Path::new(word))?);
            }
            own.options.insert(option, value.to_string());
        }
        Ok(own)
    }

    /// Refuses a checkpoint of another fit.
    fn check(&self, now: &Self, path: &Path) -> Result<()> {
        let of_options = || {
            differing(&self.options, &now.options, |option, own, now| {
                format!("--{option} {own} then, {now} now")
            })
        };
        let of_files = || {
            differing(&self.files, &now.files, |option, _, _| match option {
                "data" => "other data: the file has changed".into(),
                option => format!("another file of --{}", option.split(' ').next().unwrap_or(option)),
            })
        };
        let of_version = (self.version != now.version)
            .then(|| format!("one of version {}, not {}", self.version, now.version));
        let found = of_version.or_else(of_options).or_else(of_files);
        let Some(found) = found else { return Ok(()) };
        let what = format!("--resume, {}", path.display());
        let help = "resume with the options and the data of the fit that was stopped, or leave out --resume";
        Err(Error::argument(what, "the checkpoint of this fit", found, help))
    }
}

/// The first entry that two lists do not share.
fn differing(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    said: impl Fn(&str, &str, &str) -> String,
) -> Option<String> {
    let options = then.keys().chain(now.keys());
    let value = |of: &BTreeMap<String, String>, option: &String| of.get(option).cloned();
    let differs = |option: &&String| value(then, option) != value(now, option);
    let first = options.into_iter().find(differs)?;
    let shown = |of| value(of, first).unwrap_or_else(|| "not given".into());
    Some(said(first, &shown(then), &shown(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said() {
        let identity = |tolerance: &str, digest: &str| Identity {
            version: "1".into(),
            options: [("tolerance".to_string(), tolerance.to_string())].into(),
            files: [("data".to_string(), digest.to_string())].into(),
        };
        let path = Path::new("c.json");
        let own = identity("1e-9", "ab");
        assert!(own.check(&own, path).is_ok());
        let said = |now: &Identity| own.check(now, path).unwrap_err().to_string();
        assert_eq!(
            said(&identity("1e-8", "ab")),
            "--resume, c.json: expected the checkpoint of this fit, found --tolerance 1e-9 then, 1e-8 now"
        );
        assert!(said(&identity("1e-9", "cd")).contains("the file has changed"));
        assert!(said(&Identity { options: BTreeMap::new(), ..own.clone() }).contains("not given now"));
        assert!(said(&Identity { version: "2".into(), ..own.clone() }).contains("version 1, not 2"));
    }
}
