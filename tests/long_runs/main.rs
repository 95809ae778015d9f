//! Long runs: signals, checkpoints, kills, full disks and limits of memory.
//!
//! Everything here is timing and processes, so that the tests of this program run one after the other.

#[path = "../cli/array_file.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod array_file;
mod disk;
mod interrupt;
mod kills;
mod memory;
#[path = "../common/place.rs"]
mod place;
mod resume;
#[path = "../common/tally.rs"]
mod tally;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use array_file::{Array, Random, write_npz};

/// How long a command may take at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Held by every test: two would disturb each other's times.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder to run the program in.
pub(crate) struct Place(TempDir);

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    place: PathBuf,
    number: usize,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        place::command_in(self.0.path(), program)
    }

    /// Starts `rheobase` with these words.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(env!("CARGO_BIN_EXE_rheobase"));
        command.args(words);
        self.start_command(command)
    }

    /// Runs `rheobase` in a shell, after what `before` says, with pipes, which have no size.
    pub(crate) fn run_after(&self, before: &str, words: &[&str]) -> Ended {
        let mut command = self.command("sh");
        command.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rheobase")]);
        let output = command.args(words).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { code: output.status.code(), stdout, stderr }
    }

    /// Starts `rheobase` in a shell, after what `before` says.
    pub(crate) fn start_after(&self, before: &str, words: &[&str]) -> Running {
        let mut command = self.command("sh");
        command.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rheobase")]);
        command.args(words);
        self.start_command(command)
    }

    pub(crate) fn start_command(&self, mut command: Command) -> Running {
        static NUMBER: Mutex<usize> = Mutex::new(0);
        let mut number = NUMBER.lock().unwrap();
        *number += 1;
        // kept out of the way of files that are looked at
        let file = |name: &str| File::create(std::env::temp_dir().join(said_in(name, *number))).unwrap();
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        Running { child: command.spawn().unwrap(), place: self.0.path().into(), number: *number }
    }

    /// Runs `rheobase` with these words to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        self.start(words).ended()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Temporary files of the saver, wherever they are.
    pub(crate) fn litter(&self) -> Vec<String> {
        let parts = contents(self.0.path()).into_keys();
        parts.filter(|name| is_part(name)).collect()
    }
}

/// The name of a file for what a command says.
fn said_in(name: &str, number: usize) -> String {
    format!("rheobase-long-{}-{number}.{name}", std::process::id())
}

/// All files under a folder with their bytes, by their paths within it.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found
                .extend(contents(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.insert(name, bytes);
        }
    }
    found
}

impl Drop for Running {
    fn drop(&mut self) {
        // also where a test has failed: nothing goes on behind it
        let _ = self.child.kill();
        let _ = self.child.wait();
        for name in ["out", "err"] {
            let _ = std::fs::remove_file(std::env::temp_dir().join(said_in(name, self.number)));
        }
    }
}

impl Running {
    /// Sends signals, one right after the other, by their names.
    pub(crate) fn signal(&self, names: &[&str]) -> Instant {
        let id = self.child.id();
        let line: Vec<String> = names.iter().map(|name| format!("kill -{name} {id}")).collect();
        let sent = Instant::now();
        assert!(Command::new("sh").args(["-c", &line.join("; ")]).status().unwrap().success());
        sent
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.ended()
    }

    /// Waits until so many lines are printed.
    pub(crate) fn has_printed(&mut self, n_lines: usize) -> bool {
        let path = std::env::temp_dir().join(said_in("out", self.number));
        let started = Instant::now();
        while self.is_running() && started.elapsed() < PATIENCE {
            if std::fs::read_to_string(&path).is_ok_and(|text| text.lines().count() >= n_lines) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the checkpoint at this path holds points; whether the command still runs then.
    pub(crate) fn has_points(&mut self, checkpoint: &str) -> bool {
        let path = self.place.join(checkpoint);
        let started = Instant::now();
        while self.is_running() && started.elapsed() < PATIENCE {
            let found =
                std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            let is_open =
                |of: &Value| ["open", "done"].iter().any(|key| of["progress"][key] != serde_json::json!({}));
            if found.is_some_and(|found| is_open(&found)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    self.child.kill().unwrap();
                    panic!("it does not end");
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let text = |name: &str| {
            let path = std::env::temp_dir().join(said_in(name, self.number));
            std::fs::read_to_string(path).unwrap()
        };
        let ended = Ended { code: status.code(), stdout: text("out"), stderr: text("err") };
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        ended
    }
}

impl Ended {
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Counts of `m` targets that `p` normal columns drive, one half of each target's columns; in npz.
pub(crate) fn population(place: &Place, name: &str, [n, p, m]: [usize; 3]) {
    let mut random = Random(7);
    let x: Vec<f64> = (0..n * p).map(|_| random.normal()).collect();
    let weight =
        |j: usize, k: usize| if (j + k).is_multiple_of(2) { 0.4 / (1.0 + j as f64).sqrt() } else { 0.0 };
    let mut y = Vec::with_capacity(n * m);
    for row in x.chunks(p) {
        for k in 0..m {
            let eta: f64 = row.iter().enumerate().map(|(j, x)| x * weight(j, k)).sum();
            y.push(random.poisson((eta - 1.0).exp().min(20.0)));
        }
    }
    write_npz(&place.path(name), &[("X", Array::matrix(p, &x)), ("y", Array::matrix(m, &y))]);
}

/// A number as results hold it.
pub(crate) fn number(value: &Value) -> f64 {
    rheobase::number::from_value(value).unwrap_or_else(|| panic!("{value} is no number"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![number(value)],
    }
}

/// `max|a - b| / max|b|`.
pub(crate) fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(f64::MIN_POSITIVE, |m: f64, x| m.max(x.abs()));
    let worse = |m: f64, x: f64| if x > m || x.is_nan() { x } else { m };
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, worse) / largest
}

/// Whether this is what the saver calls a file before it has its name.
pub(crate) fn is_part(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "part")
}
