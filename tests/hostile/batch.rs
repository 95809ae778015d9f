//! Files are read in batches by a child process, which may die or hang without taking the test with it.
//!
//! The child is this test program again. It says on which file it is before it begins, and what came of it afterwards: so the
//! parent knows which file killed it, and goes on behind that one.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::readers::{self, LIMIT_BYTES, Outcome};

/// The folder that the child is to read.
const FOLDER: &str = "RHEOBASE_HOSTILE_FOLDER";
/// The number of the file to begin with.
const FIRST: &str = "RHEOBASE_HOSTILE_FIRST";
/// What the child says.
const SAID: &str = "said.log";
/// What it says when it dies.
const LAST_WORDS: &str = "died.log";
/// Longer is a hang.
const PATIENCE: Duration = Duration::from_secs(5);
/// Memory that the child may map: what it may read, many times over, and room for its threads.
const MOST_MAPPED_KB: u64 = 4 << 20;
/// Memory that a file may take above what the child takes anyway. A reader may hold what it reads twice, and in another form.
pub(crate) const MOST_RESIDENT_KB: u64 = 4 * LIMIT_BYTES / 1024;

/// What became of the files of a folder.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    pub(crate) n_files: u64,
    /// Files of which something was not read, for a reason that was said.
    pub(crate) clear_errors: u64,
    pub(crate) still_read: u64,
    pub(crate) crashes: Vec<String>,
    pub(crate) hangs: Vec<String>,
    /// Files that took more memory than allowed, and how much, in kB.
    pub(crate) too_large: Vec<String>,
    /// The most memory that a file took, kB.
    pub(crate) most_kb: u64,
}

impl Tried {
    /// Reads all files of a folder, in the order of their names.
    pub(crate) fn all_of(folder: &Path) -> Self {
        let files = files(folder);
        let mut all = Self::default();
        while (all.n_files as usize) < files.len() {
            let before = all.n_files;
            let died = all.follow(folder, spawn(folder, all.n_files));
            // a child that ends well has read everything; one that dies has one file on its conscience
            if let Some(how) = died {
                let file = format!("{}: {how}", files[all.n_files as usize].display());
                all.n_files += 1;
                if how == "hangs" { all.hangs.push(file) } else { all.crashes.push(file) }
            }
            assert!(all.n_files > before, "the child read nothing in {}", folder.display());
        }
        all
    }

    /// Waits for the child; how it died, if it did.
    fn follow(&mut self, folder: &Path, mut child: Child) -> Option<String> {
        let first = self.n_files as usize;
        let mut since = (0, Instant::now());
        let died = loop {
            let lines = said(folder).len();
            if let Some(status) = child.try_wait().unwrap() {
                break (!status.success()).then(|| format!("{status}: {}", last_words(folder)));
            }
            if since.0 != lines {
                since = (lines, Instant::now());
            }
            // the patience of a debugger would do as well: a file takes milliseconds
            if since.1.elapsed() > 2 * PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                break Some("hangs".to_string());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        for line in said(folder).iter().filter(|line| line.starts_with("done ")) {
            let words: Vec<&str> = line.split(' ').collect();
            let (number, n_errors): (usize, u64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
            let (seconds, kb): (f64, u64) = (words[3].parse().unwrap(), words[4].parse().unwrap());
            assert_eq!(number as u64, self.n_files);
            self.n_files += 1;
            if n_errors == 0 {
                self.still_read += 1;
            } else {
                self.clear_errors += 1;
            }
            self.most_kb = self.most_kb.max(kb);
            let file = format!("{}: {seconds} s, {kb} kB", files(folder)[number].display());
            if seconds > PATIENCE.as_secs_f64() {
                self.hangs.push(file);
            } else if kb > MOST_RESIDENT_KB {
                self.too_large.push(file);
            }
        }
        assert!(self.n_files as usize >= first);
        died
    }

    /// Whether nothing bad happened.
    ///
    /// # Panics
    /// With the files that were bad.
    pub(crate) fn expect_good(&self) {
        let bad = [&self.crashes, &self.hangs, &self.too_large];
        assert!(bad.iter().all(|files| files.is_empty()), "{self:#?}");
        assert_eq!(self.n_files, self.clear_errors + self.still_read);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.ends_with(SAID) && !path.ends_with(LAST_WORDS));
    files.sort();
    files
}

fn said(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(SAID)).unwrap_or_default();
    // a line that is being written has no end yet
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(String::from).collect()
}

/// What a child that died said.
fn last_words(folder: &Path) -> String {
    let text = std::fs::read(folder.join(LAST_WORDS)).unwrap_or_default();
    let text: String = String::from_utf8_lossy(&text).chars().take(1500).collect();
    text.lines().filter(|line| !line.trim().is_empty()).take(6).collect::<Vec<_>>().join(" | ")
}

fn spawn(folder: &Path, first: u64) -> Child {
    let log = folder.join(SAID);
    drop(std::fs::remove_file(log));
    let limited = format!("ulimit -v {MOST_MAPPED_KB} && exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "batch::the_child_of_the_others", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .env("RAYON_NUM_THREADS", "1")
        .env("RUST_MIN_STACK", (2 << 20).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join(LAST_WORDS)).unwrap())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what [`Tried::all_of`] starts. Without its variables it does nothing.
#[test]
fn the_child_of_the_others() {
    let (Some(folder), Some(first)) = (std::env::var_os(FOLDER), std::env::var_os(FIRST)) else { return };
    let folder = PathBuf::from(folder);
    let first: usize = first.to_str().unwrap().parse().unwrap();
    let mut log = std::fs::File::create(folder.join(SAID)).unwrap();
    for (number, path) in files(&folder).iter().enumerate().skip(first) {
        writeln!(log, "begun {number}").unwrap();
        let resident = reset_peak();
        let started = Instant::now();
        let outcome = read(path);
        let mut line = String::new();
        let (n_errors, seconds) = (outcome.errors.len(), started.elapsed().as_secs_f64());
        drop(outcome);
        write!(line, "done {number} {n_errors} {seconds} {}", peak_kb().saturating_sub(resident)).unwrap();
        writeln!(log, "{line}").unwrap();
    }
}

/// Everything that can be done with a file, by its ending.
fn read(path: &Path) -> Outcome {
    let outcome = match path.extension().and_then(|ending| ending.to_str()) {
        Some("nwb" | "h5") => readers::nwb(path),
        Some("npz" | "npy") => readers::arrays(path),
        Some("csv") => readers::csv(path),
        Some("json") => readers::model(path),
        Some("toml") => readers::study(path),
        Some("txt") => {
            // a command line that is no UTF-8 is refused before: what is left of it is text
            let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
            let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/nwb/recording.nwb");
            let outcome = readers::feature(&text, Path::new(recording));
            readers::expect_help(&outcome);
            return outcome;
        }
        other => panic!("no reader of {other:?}"),
    };
    readers::expect_clear(&outcome, path);
    outcome
}

/// Forgets the largest memory so far; what is taken now, kB.
fn reset_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak_kb()
}

/// The largest memory since then, kB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
