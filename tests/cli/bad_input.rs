//! Bad input, row by row of a table of what goes wrong: a sound answer or one clear error, never silence.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{Array2, array};
use rheobase::Error;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{FittedGlm, GlmSpec, Response};

use crate::array_file::{Array, N_ROWS, Random, random_data, write_npz};
use crate::recording_file::write_recording;
use crate::tally::tally;
use crate::{Place, Run, number, numbers, texts};

/// A place with these features, of so many columns, and this response as `d.npz`.
fn data(n_columns: usize, x: &[f64], y: &[f64]) -> Place {
    let place = Place::new();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(n_columns, x)), ("y", Array::vector(y))]);
    place
}

const FIT: [&str; 2] = ["fit", "d.npz"];

fn fit_with<'w>(more: &[&'w str]) -> Vec<&'w str> {
    [&FIT[..], more].concat()
}

/// The same through the library.
fn fitted(x: &Array2<f64>, y: &Array2<f64>) -> rheobase::Result<FittedGlm> {
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: x.view().into() };
    let plan = DesignPlan::new(vec![source], 0..x.nrows())?;
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    GlmSpec::default().check()?.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {})
}

#[test]
fn a_negative_response_names_its_first_row() {
    let (x, mut y) = random_data();
    (y[7], y[9]) = (-1.0, -2.0);
    let place = data(3, &x, &y);
    let said = "d.npz: y: row 7, target 0: expected a count, 0 or more, found -1";
    place.refused(&fit_with(&["--out", "out"]), 3, &[said, "check how the response was made"]);
    place.refused(&fit_with(&["--observation", "gamma", "--out", "out"]), 3, &["row 0, target 0: expected"]);
    let halves: Vec<f64> = y.iter().map(|y| y.abs() / 2.0).collect();
    let place = data(3, &x, &halves);
    place.refused(
        &fit_with(&["--observation", "bernoulli"]),
        3,
        &["target 0: expected 0 or 1, no event or one, found 0.5"],
    );
    let error = fitted(&array![[0.1], [0.2], [0.3]], &array![[1.0], [-2.0], [0.0]]).unwrap_err();
    assert!(matches!(error, Error::Domain { row: 1, column: 0, value: -2.0, .. }), "{error}");
}

#[test]
fn what_is_not_finite_is_dropped_and_counted_or_named() {
    let (mut x, mut y) = random_data();
    (x[3 * 5 + 1], x[3 * 6], y[4]) = (f64::NAN, f64::NEG_INFINITY, f64::INFINITY);
    let place = data(3, &x, &y);
    let run = place.run(&fit_with(&["--json"])).ended(0);
    let fit = run.json();
    assert_eq!((fit["n_bins_used"].as_u64(), fit["n_bins_dropped"].as_u64()), (Some(397), Some(3)));
    let told = place.run(&FIT).ended(0);
    assert!(told.stdout.contains("400 rows, 397 used (3 with data that are not finite)"), "{told:?}");
    place.refused(
        &fit_with(&["--nan", "error"]),
        3,
        &["d.npz: y: row 4, column 0 is inf; every value must be finite"],
    );
    y[4] = 0.0;
    let place = data(3, &x, &y);
    place.refused(&fit_with(&["--nan", "error"]), 3, &["d.npz: X: row 5, column 1 is NaN"]);
    // the library drops nothing by itself
    let x = array![[0.1, 0.2], [0.5, 0.1], [0.3, f64::NAN]];
    let error = fitted(&x, &array![[1.0], [0.0], [2.0]]).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 2, column: 1, .. }), "{error}");
    let error = fitted(&array![[0.1], [0.5], [0.3]], &array![[1.0], [f64::INFINITY], [2.0]]).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 1, .. }), "{error}");
}

#[test]
fn a_silent_target_is_said_and_the_others_are_fitted() {
    let (x, y) = random_data();
    let both: Vec<f64> = y.iter().flat_map(|&y| [0.0, y]).collect();
    let place = Place::new();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::matrix(2, &both))]);
    let run = place.run(&fit_with(&["--json"])).ended(4);
    assert!(run.stderr.contains("warning: y[0]: no event in the used bins"), "{run:?}");
    let fit = run.json();
    let silent = &fit["targets"][0];
    assert_eq!((&silent["status"], &silent["intercept"]), (&"no_events".into(), &"-Infinity".into()));
    assert_eq!(fit["targets"][1]["status"], "converged");
}

#[test]
fn collinear_columns_give_the_smallest_norm_and_their_names() {
    let (x, y) = random_data();
    let twice: Vec<f64> = x.chunks(3).flat_map(|x| [x[0], x[0], x[1]]).collect();
    let place = data(3, &twice, &y);
    let run = place.run(&fit_with(&["--json"])).ended(0);
    assert!(run.stderr.contains("X[0], X[1] are linear combinations of one another"), "{run:?}");
    let fit = run.json();
    assert_eq!((fit["rank"].as_u64(), texts(&fit["targets"][0]["aliased"])), (Some(2), vec!["X[0]", "X[1]"]));
    let coef = numbers(&fit["targets"][0]["coef"]);
    assert!((coef[0] - coef[1]).abs() < 1e-12 * coef[0].abs(), "{coef:?}");
}

#[test]
fn more_columns_than_rows_give_the_smallest_norm_or_a_status() {
    let mut random = Random(3);
    let (n, p) = (12, 30);
    let x: Vec<f64> = (0..n * p).map(|_| random.normal()).collect();
    let y: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let place = data(p, &x, &y);
    let run = place.run(&fit_with(&["--observation", "gaussian", "--json"])).ended(0);
    let fit = run.json();
    assert_eq!(fit["targets"][0]["status"], "converged", "{run:?}");
    // columns, centred, span all but one direction of the rows
    assert_eq!(fit["rank"].as_u64(), Some(11), "{run:?}");
    assert_eq!(texts(&fit["targets"][0]["aliased"]).len(), p);
    // X' (X X')^+ y of what is left without the means
    let centred = Array2::from_shape_fn((n, p), |(row, column)| {
        let mean = (0..n).map(|other| x[other * p + column]).sum::<f64>() / n as f64;
        x[row * p + column] - mean
    });
    let mean = y.iter().sum::<f64>() / n as f64;
    // the rows add up to 0, which a matrix of ones makes good
    let mut gram = centred.dot(&centred.t()) + 1.0;
    let mut weights: Vec<f64> = y.iter().map(|y| y - mean).collect();
    for pivot in 0..n {
        for row in (0..n).filter(|&row| row != pivot) {
            let factor = gram[[row, pivot]] / gram[[pivot, pivot]];
            (pivot..n).for_each(|column| gram[[row, column]] -= factor * gram[[pivot, column]]);
            weights[row] -= factor * weights[pivot];
        }
    }
    (0..n).for_each(|k| weights[k] /= gram[[k, k]]);
    let smallest = centred.t().dot(&ndarray::Array1::from(weights));
    let coef = numbers(&fit["targets"][0]["coef"]);
    assert!(crate::relative(&coef, smallest.as_slice().unwrap()) < 1e-9, "{coef:?} {smallest}");
    assert!(run.stderr.contains("linear combinations"), "{run:?}");
}

#[test]
fn columns_of_any_scale_give_the_same_fit() {
    let (x, y) = random_data();
    let place = data(3, &x, &y);
    let plain = numbers(&place.run(&fit_with(&["--json"])).ended(0).json()["targets"][0]["coef"]);
    let scales = [1e-8, 1.0, 1e8];
    for solver in ["newton", "lbfgs"] {
        let scaled: Vec<f64> = x.chunks(3).flat_map(|x| [0, 1, 2].map(|j| x[j] * scales[j])).collect();
        let place = data(3, &scaled, &y);
        let fit = place.run(&fit_with(&["--solver", solver, "--json"])).ended(0).json();
        assert_eq!(fit["targets"][0]["status"], "converged");
        let coef = numbers(&fit["targets"][0]["coef"]);
        for j in 0..3 {
            assert!((coef[j] * scales[j] / plain[j] - 1.0).abs() < 1e-8, "{solver}: {coef:?} {plain:?}");
        }
    }
}

#[test]
fn separation_is_a_status_with_a_name_and_a_remedy() {
    let (x, _) = random_data();
    let step = |x: f64| f64::from(u8::from(x > 0.5));
    let x: Vec<f64> = x.chunks(3).flat_map(|x| [step(x[0]), x[1]]).collect();
    // no event where the step is down; for labels the step is the label
    let counts: Vec<f64> = x.chunks(2).enumerate().map(|(row, x)| x[0] * (row % 2) as f64).collect();
    let labels: Vec<f64> = x.chunks(2).map(|x| x[0]).collect();
    for (observation, y) in [("poisson", &counts), ("bernoulli", &labels)] {
        let place = data(2, &x, y);
        let run = place.run(&fit_with(&["--observation", observation, "--json"])).ended(4);
        assert_eq!(run.json()["targets"][0]["status"], "separated", "{observation}: {run:?}");
        assert!(run.stderr.contains("separated") && run.stderr.contains("X[0]"), "{run:?}");
        assert!(run.stderr.contains("ridge"), "{run:?}");
        let words = ["--observation", observation, "--regularizer", "ridge", "--strength", "0.1", "--json"];
        place.run(&fit_with(&words)).ended(0);
    }
}

#[test]
fn counts_that_are_not_whole_are_taken_with_a_note() {
    let (x, y) = random_data();
    let halves: Vec<f64> = y.iter().map(|y| y / 2.0).collect();
    let run = data(3, &x, &halves).run(&fit_with(&["--json"])).ended(0);
    assert!(run.stderr.contains("the response is not whole numbers"), "{run:?}");
    let coef = numbers(&run.json()["targets"][0]["coef"]);
    let whole = data(3, &x, &y).run(&fit_with(&["--json"])).ended(0);
    assert_eq!(whole.stderr, "");
    assert!(crate::relative(&coef, &numbers(&whole.json()["targets"][0]["coef"])) < 1e-8);
}

#[test]
fn nothing_wrong_lengths_and_lists_are_errors() {
    let place = Place::new();
    let (x, y) = random_data();
    let write = |name: &str, x: Array, y: Array| write_npz(&place.path(name), &[("X", x), ("y", y)]);
    write("none.npz", Array::hollow(0, 3), Array::vector(&[]));
    place.refused(&["fit", "none.npz"], 3, &["none.npz: of 0 rows"]);
    write("short.npz", Array::matrix(3, &x), Array::vector(&y[1..]));
    place.refused(&["fit", "short.npz"], 3, &["short.npz: y: rows", "expected length 400, found 399"]);
    write("turned.npz", Array::matrix(N_ROWS, &x), Array::vector(&y));
    place.refused(&["fit", "turned.npz"], 3, &["they look transposed"]);
    write("list.npz", Array::vector(&y), Array::vector(&y));
    let said = ["list.npz: X: expected features with two dimensions (rows, columns), found one", "reshape"];
    place.refused(&["fit", "list.npz"], 3, &said);
    fs::write(place.path("X.npy"), Array::vector(&y).bytes()).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y).bytes()).unwrap();
    place.refused(&["fit", "X.npy", "--y", "y.npy"], 3, &["X.npy: X: expected features with two dimensions"]);
    let file = hdf5::File::create(place.path("d.h5")).unwrap();
    file.new_dataset_builder().with_data(&y).create("x").unwrap();
    file.close().unwrap();
    place.refused(&["fit", "d.h5", "--x", "x", "--y", "x"], 3, &["d.h5: x: expected features with two"]);
    fs::write(place.path("none.csv"), "x,y\n").unwrap();
    place.refused(&["fit", "none.csv", "--y", "y"], 3, &["none.csv: there is a header and no row below it"]);
    let error = fitted(&Array2::zeros((0, 2)), &Array2::zeros((0, 1))).unwrap_err();
    assert!(matches!(error, Error::Empty { .. }), "{error}");
    let error = fitted(&Array2::ones((3, 2)), &Array2::zeros((4, 1))).unwrap_err();
    assert!(matches!(error, Error::Length { .. }), "{error}");
}

#[test]
fn out_of_iterations_is_no_success() {
    let (x, y) = random_data();
    let place = data(3, &x, &y);
    for solver in ["newton", "lbfgs"] {
        let words = ["--max-iterations", "1", "--solver", solver, "--out", solver, "--json"];
        let run = place.run(&fit_with(&words)).ended(4);
        let target = &run.json()["targets"][0];
        assert_eq!(target["status"], "max_iterations");
        assert!(number(&target["loss_gap"]) > 1e-16 && number(&target["kkt_residual"]) > 0.0);
        assert!(run.stderr.contains("raise --max-iterations"), "{run:?}");
        let page = fs::read_to_string(place.path(&format!("{solver}/report.html"))).unwrap();
        assert!(page.contains("Not at an optimum."));
    }
}

/// Files that are none, and how many commands were refused over them.
struct Refusals {
    place: Place,
    tried: AtomicU64,
}

impl Refusals {
    /// Runs the program with little memory and little time: it says what is wrong with `file` in two lines, and ends so.
    fn refuse(&self, words: &[&OsStr], file: &OsStr, said: &str, code: i32) {
        let command = "ulimit -v 8000000 && exec timeout 20 \"$0\" \"$@\"";
        let mut limited = self.place.command("sh");
        limited.args(["-c", command]).arg(env!("CARGO_BIN_EXE_rheobase")).args(words);
        let output = limited.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {stderr}");
        assert!(output.stdout.is_empty() && lines.len() == 2, "{words:?}: {stderr}");
        assert!(lines[0].starts_with("error: ") && lines[1].starts_with("help: "), "{words:?}: {stderr}");
        assert!(lines[1].len() > 12, "{words:?}: {stderr}");
        let name = file.to_string_lossy().into_owned();
        assert!(stderr.contains(&name) && stderr.contains(said), "{words:?}: {name:?} {said:?}: {stderr}");
        self.tried.fetch_add(1, Ordering::Relaxed);
    }

    /// All commands that read a file of this name, in the place of each of their files; how they end, and how they end
    /// over a study.
    fn refuse_everywhere(&self, stem: &OsStr, said: &dyn Fn(&str) -> &'static str, codes: [i32; 2]) {
        let named = |ending: &str| {
            let mut name = stem.to_os_string();
            name.push(ending);
            name
        };
        let recording = ["--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "current"];
        let words = |before: &[&str], ending: &str, after: &[&str]| {
            let file = named(ending);
            let mut words: Vec<OsString> = before.iter().map(OsString::from).collect();
            words.push(file.clone());
            words.extend(after.iter().map(OsString::from));
            let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
            // a study holds what else would be typed; and what is no text is no name of a column, which --y may be
            let is_word = before.last() == Some(&"--y") && stem.to_str().is_none();
            let (said, code) = match ending {
                _ if is_word => ("expected words in UTF-8", 2),
                ".toml" => (said(ending), codes[1]),
                _ => (said(ending), codes[0]),
            };
            let file = if is_word { OsString::new() } else { file };
            self.refuse(&words, &file, said, code);
        };
        words(&["inspect"], ".nwb", &[]);
        words(&["fit"], ".nwb", &recording);
        words(&["tuning"], ".nwb", &["--epochs", "run", "--unit", "3", "--feature", "current"]);
        words(&["fit"], ".npz", &[]);
        words(&["fit"], ".npy", &["--y", "y.npy"]);
        words(&["fit", "X.npy", "--y"], ".npy", &[]);
        words(&["fit"], ".csv", &["--y", "y"]);
        words(&["fit"], ".h5", &["--x", "x", "--y", "y"]);
        words(&["fit"], ".toml", &[]);
        words(&["fit", "d.npz", "--mask"], ".csv", &[]);
        let grouped = ["fit", "d.npz", "--regularizer", "group-lasso", "--strength", "0.1", "--groups"];
        words(&grouped, ".csv", &[]);
        words(&["fit", "d.npz", "--plan"], ".json", &[]);
        words(&["fit", "d.npz", "--test-against"], ".json", &[]);
        words(&["score"], ".json", &["d.npz"]);
        words(&["predict"], ".json", &["d.npz", "--out", "rate.csv"]);
        words(&["export"], ".json", &["--to", "nemos", "out.npz"]);
        words(&["score", "out/model.json"], ".npz", &[]);
        words(&["predict", "out/model.json"], ".npz", &["--out", "rate.csv"]);
    }
}

const ENDINGS: [&str; 7] = [".nwb", ".npz", ".npy", ".csv", ".h5", ".toml", ".json"];

/// Not a file, empty, endless, a pipe that nobody writes to, not to be read, and with a name that is no text.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_refused_at_once() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    let (x, y) = random_data();
    let place = data(3, &x, &y);
    fs::write(place.path("X.npy"), Array::matrix(3, &x).bytes()).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y).bytes()).unwrap();
    write_recording(&place.path("r.nwb"));
    place.run(&fit_with(&["--out", "out"])).ended(0);
    let all = Refusals { place, tried: AtomicU64::new(0) };
    let odd = OsStr::from_bytes(b"odd\xff");
    for ending in ENDINGS {
        let path = |stem: &str| all.place.path(&format!("{stem}{ending}"));
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("empty"), "").unwrap();
        symlink("/dev/zero", path("endless")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        fs::write(path("closed"), "x,y\n1,2\n").unwrap();
        fs::set_permissions(path("closed"), fs::Permissions::from_mode(0o000)).unwrap();
        symlink(path("loop"), path("loop")).unwrap();
        let mut name = odd.to_os_string();
        name.push(ending);
        fs::write(all.place.path("").join(name), b"\x00\xff nothing").unwrap();
    }
    all.refuse_everywhere(OsStr::new("absent"), &|_| "No such file", [3, 3]);
    all.refuse_everywhere(OsStr::new("folder"), &|_| "found a folder", [3, 3]);
    let empty = |ending: &str| match ending {
        ".nwb" | ".h5" => "found an empty file",
        ".npz" => "found invalid Zip archive",
        ".npy" => "cut short",
        ".csv" => "found",
        ".json" => "EOF",
        _ => "data: expected the file to fit, found nothing",
    };
    all.refuse_everywhere(OsStr::new("empty"), &empty, [3, 2]);
    all.refuse_everywhere(OsStr::new("endless"), &|_| "found a pipe or a device", [3, 3]);
    all.refuse_everywhere(OsStr::new("pipe"), &|_| "found a pipe or a device", [3, 3]);
    // who may read everything can read these, and finds what is in them wrong
    let is_closed = fs::File::open(all.place.path("closed.csv")).is_err();
    if is_closed {
        all.refuse_everywhere(OsStr::new("closed"), &|_| "Permission denied", [1, 1]);
    }
    all.refuse_everywhere(OsStr::new("loop"), &|_| "Too many levels of symbolic links", [1, 1]);
    let foreign = |ending: &str| match ending {
        ".nwb" | ".h5" => "found another format",
        ".npz" => "found invalid Zip archive",
        ".npy" => "does not begin as numpy files do",
        ".csv" => "UTF-8",
        ".json" => "expected value at line 1 column 1",
        _ => "expected text in UTF-8",
    };
    all.refuse_everywhere(odd, &foreign, [3, 2]);
    let tried = all.tried.load(Ordering::Relaxed);
    assert!(tried >= 7 * 18, "{tried}");
    tally("bad inputs", &[("tried", tried), ("clear errors", tried)]);
}

/// Names that are no text, in the place of everything that is not a file.
#[cfg(target_os = "linux")]
#[test]
fn words_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStrExt;

    let (x, y) = random_data();
    let place = data(3, &x, &y);
    let odd = OsStr::from_bytes(b"odd\xff");
    for option in ["--y", "--x", "--observation", "--tolerance", "--strength", "--feature", "--device"] {
        let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
        let output = command.args(FIT).arg(option).arg(odd).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains("\nhelp: "), "{option}: {stderr}");
    }
    // a folder for results may have any name
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    let run = Run::of(command.args(FIT).arg("--out").arg(odd)).ended(0);
    assert!(run.stdout.contains("converged"));
    assert!(place.path("").join(odd).join("fit.json").exists());
}
