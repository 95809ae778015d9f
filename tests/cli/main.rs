//! The command line as a user meets it: the program itself, in a folder of its own.

#[path = "../common/html.rs"]
mod html;
#[path = "../common/place.rs"]
mod place;
#[path = "../common/tally.rs"]
mod tally;

mod array_file;
mod array_fit;
mod bad_input;
mod bench;
mod beside;
mod categorical;
mod categorical_report;
mod categorical_rows;
mod check;
mod check_changed;
mod class_beside;
mod class_captions;
mod class_export;
mod class_scores;
mod class_simulate;
mod class_terms;
mod class_words;
mod completions;
mod coupled;
mod csv_fit;
mod demo;
mod device;
mod export;
mod figures;
mod h5_fit;
mod identifiability;
mod inspection;
mod marked_fit;
mod mask;
mod model_family;
mod model_file;
mod models;
mod output_folder;
mod pasted;
mod penalties;
mod plan;
mod population;
mod predict;
mod products;
mod progress;
mod recording_file;
mod report;
mod row_terms;
mod said_why;
mod settings;
mod simulate;
mod simulate_limits;
mod single_precision;
mod statistics;
mod streams;
mod study;
mod surfaces;
mod table;
mod tested;
mod true_couplings;
mod tuning;
mod tutorial;
mod unwritten;
mod words;
mod write_nwb;
mod write_nwb_refused;
mod wrong_choice;
mod wrong_file;
mod wrong_model;
mod wrong_study;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The features of the tutorial's two models.
pub(crate) const INSTANTANEOUS: &str = "stimulus*1e12";
pub(crate) const HISTORY: &str = "stimulus*1e12 : raised-cosine-log(8, window=200ms)";

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    path.into_os_string().into_string().unwrap()
}

/// The recording that the tutorial's numbers belong to.
pub(crate) fn tutorial() -> String {
    data("patchclamp_small.nwb")
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let run = Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!run.stderr.contains("panicked") && !run.stdout.contains("panicked"), "{}", run.stderr);
        run
    }

    /// The JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Whether the run ended with this exit code; shows what it said otherwise.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// A folder to run the program in, with nothing else in it.
pub(crate) struct Place(TempDir);

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

    /// Runs `rheobase` with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        Run::of(self.command(env!("CARGO_BIN_EXE_rheobase")).args(words))
    }

    /// Runs a command that is refused: this exit code, two lines on stderr that hold all of `said`, nothing on
    /// stdout and nothing in the folder that was not there before.
    pub(crate) fn refused(&self, words: &[&str], code: i32, said: &[&str]) -> Run {
        let before = files_under(self.0.path());
        let run = self.run(words).ended(code);
        assert_eq!(run.stdout, "", "{words:?}");
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert!(lines.len() >= 2, "{words:?}: {}", run.stderr);
        // the place of a mistake in a feature stands between the two lines, with a caret under it
        let between = &lines[1..lines.len() - 1];
        assert!(between.is_empty() || between.len() == 2, "{words:?}: {}", run.stderr);
        assert!(between.is_empty() || between[1].trim() == "^", "{words:?}: {}", run.stderr);
        assert!(lines[0].starts_with("error: ") && lines[0].len() > 12, "{words:?}: {}", run.stderr);
        let help = lines[lines.len() - 1];
        assert!(help.starts_with("help: ") && help.len() > 8, "{words:?}: {}", run.stderr);
        for said in said {
            assert!(run.stderr.contains(said), "{words:?}: {said:?} is not in: {}", run.stderr);
        }
        assert_eq!(files_under(self.0.path()), before, "{words:?}");
        run
    }
}

/// All files and folders under a folder, relative to it; folders end with `/`.
pub(crate) fn files_under(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files_under(&path).into_iter().map(|inner| format!("{name}/{inner}")));
            found.insert(format!("{name}/"));
        } else {
            found.insert(name);
        }
    }
    found
}

/// The same without `figures/`: which there are is a matter of other tests.
pub(crate) fn without_figures(files: BTreeSet<String>) -> BTreeSet<String> {
    files.into_iter().filter(|file| !file.contains("figures/")).collect()
}

/// Targets of a result without the way to the optimum, which only a fit with `--out` keeps.
pub(crate) fn without_history(targets: &Value) -> Value {
    let mut targets = targets.clone();
    for target in targets.as_array_mut().unwrap() {
        target.as_object_mut().unwrap().remove("history");
    }
    targets
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A number as results hold it, where non-finite ones are strings.
pub(crate) fn number(value: &Value) -> f64 {
    rheobase::number::from_value(value).unwrap_or_else(|| panic!("{value} is no number"))
}

/// Scores are computed by the loss of a fit and by expected counts: equal to 1e-12.
#[track_caller]
pub(crate) fn assert_near(found: &Value, expected: &Value, what: &str) {
    let (found, expected) = (number(found), number(expected));
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{what}: {found} {expected}");
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// A list of texts.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// `max|a - b| / max|b|`.
pub(crate) fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worse = |m: f64, x: f64| if x > m || x.is_nan() { x } else { m };
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, worse) / largest
}
