//! Checkpoints: what a fit that was stopped, or killed, goes on from.
//!
//! A checkpoint is the journal of a fit ([`crate::glm::Journal`]) with what it is the journal of: the version of the program, all options
//! that decide the result, and the digests of the files that these name. It is written now and then while the fit runs, at once when the
//! fit is stopped, and removed when everything is written. `--resume` takes it up; one of another fit is refused. A file that is no
//! checkpoint is never replaced, and a checkpoint that this command neither wrote nor took up is never removed.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::args::{FitArgs, duration};
use super::checkpoint_of::{Identity, study_of, words_of};
use super::run::say;
use super::shell::shell_word;
use crate::glm::{Entries, Journal};
use crate::write::json::{json_bytes, read_json};
use crate::write::same_file::is_same_file;
use crate::write::save::{check_writable_file, save_aside};
use crate::{Error, Result};

/// The checkpoint in the folder of results.
const NAME: &str = "checkpoint.json";
/// How often a checkpoint is written unless the command says.
const EVERY: Duration = Duration::from_secs(15);
/// Of all the time, a part of one in so many goes into writing checkpoints at most.
const COST: u32 = 100;
/// Files and folders that a fit writes into the folder of results.
const RESULTS: [&str; 5] = ["fit.json", "model.json", "report.html", "tables", "figures"];

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

#[derive(Serialize, Deserialize)]
struct Checkpoint {
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
    /// Whether one that this command wrote or took up is there.
    is_there: bool,
    /// Whether the last one is written.
    is_over: bool,
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
        check_place(path, args)?;
        check_writable_file(path)?;
    }
    if let Some(path) = own.path(args.common.out.as_deref()) {
        return check_old(&path, args);
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

/// Refuses a checkpoint in the place of an input or of a result.
fn check_place(path: &Path, args: &FitArgs) -> Result<()> {
    let refused = |what: String| {
        let help = "give the checkpoint a name of its own";
        Err(Error::argument("--checkpoint", "the path of a file that is nothing else", what, help))
    };
    let others = words_of(&study_of(args)?).into_iter().filter(|(option, _)| option != "checkpoint");
    for (option, word) in others {
        if is_same_file(Path::new(&word), path) && Path::new(&word).is_file() {
            return refused(format!("a file of --{option} ({})", path.display()));
        }
    }
    let place = settled(path);
    if args.write_nwb.as_deref().is_some_and(|copy| settled(copy) == place) {
        return refused(format!("the copy of --write-nwb ({})", path.display()));
    }
    if let Some(inside) = args.common.out.as_deref().map(settled).as_deref()
        && RESULTS.iter().any(|name| place.starts_with(inside.join(name)))
    {
        return refused(format!("a place of the results of --out ({})", path.display()));
    }
    Ok(())
}

/// Refuses to replace a file that is no checkpoint; says that there is one that is not gone on from.
fn check_old(path: &Path, args: &FitArgs) -> Result<()> {
    if args.checkpoint.resume || std::fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let is_one = std::fs::metadata(path).is_ok_and(|file| file.is_file())
        && File::open(path)
            .is_ok_and(|file| serde_json::from_reader::<_, Checkpoint>(BufReader::new(file)).is_ok());
    if !is_one {
        let found = format!("a file that is none, {}", path.display());
        let help = "give --checkpoint another path, or move that file away: it is not replaced";
        return Err(Error::argument("--checkpoint", "a new file, or a checkpoint to replace", found, help));
    }
    if !args.common.quiet {
        let path = path.display();
        say(&format!("note: {path} is there: --resume goes on from it; this fit begins at the start"));
    }
    Ok(())
}

/// A path from the root on, without links as far as it is there.
fn settled(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for own in whole.ancestors() {
        if let (Ok(real), Ok(rest)) = (std::fs::canonicalize(own), whole.strip_prefix(own)) {
            // joining nothing would end the path with a separator
            return if own == whole { real } else { real.join(rest) };
        }
    }
    whole.clone()
}

impl Keeper {
    /// The keeper of a fit to an input of this digest, with the checkpoint that it is to go on from, if it is.
    pub(super) fn begin(args: &FitArgs, sha256: &str) -> Result<Self> {
        let path = args.checkpoint.path(args.common.out.as_deref());
        let mut entries = Entries::default();
        let mut of = Identity::default();
        let mut is_there = false;
        if let Some(path) = &path {
            of = Identity::of(args, sha256)?;
            if args.checkpoint.resume {
                entries = match read_json::<Checkpoint>(path) {
                    Ok(checkpoint) => {
                        checkpoint.of.check(&of, path)?;
                        is_there = true;
                        if !args.common.quiet {
                            say(&format!("note: goes on from {}", path.display()));
                        }
                        checkpoint.progress
                    }
                    Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
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
        let writing = Mutex::new(Writing { next, failed: None, is_there, is_over: false });
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
        self.write_under(&mut self.lock());
    }

    /// Writes the checkpoint of a process that ends.
    pub(super) fn write_last(&self) {
        let mut writing = self.lock();
        self.write_under(&mut writing);
        writing.is_over = true;
    }

    fn write_under(&self, writing: &mut Writing) {
        let Some(path) = self.path.as_ref().filter(|_| !writing.is_over) else { return };
        let (started, progress) = (Instant::now(), self.journal.entries());
        if progress == Entries::default() {
            return;
        }
        let checkpoint = Checkpoint { of: self.of.clone(), progress };
        match json_bytes(&checkpoint).and_then(|bytes| save_aside(path, &bytes)) {
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

    /// Everything is written: removes the checkpoint, if it is one that this command wrote or took up.
    pub(super) fn finish(&self) {
        let mut writing = self.lock();
        writing.is_over = true;
        if let Some(path) = self.path.as_ref().filter(|_| writing.is_there) {
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
