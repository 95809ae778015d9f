//! Features of so many values that they are computed when they are needed.

use crate::array_file::{Array, Random, write_npz};
use crate::table::Table;
use crate::{Place, number, numbers, relative, tutorial};

const FEATURES: [&str; 4] =
    ["--feature", "stimulus*1e12", "--feature", "spikes : raised-cosine-log(3, window=250ms)"];

fn fit(place: &Place, bin: &str, more: &[&str]) -> crate::Run {
    let recording = tutorial();
    let words = ["fit", recording.as_str(), "--epochs", "Noise 1", "--epoch", "0", "--unit", "0"];
    place.run(&[&words[..], &["--bin", bin], &FEATURES[..], more].concat())
}

#[test]
fn a_fit_says_what_is_not_written_out_and_writes_everything_else() {
    let place = Place::new();
    let text = fit(&place, "50us", &["--explain"]).ended(0);
    assert!(
        text.stdout.contains("  spikes: 3 columns matrix-free; written out they take 20 MB\n"),
        "{text:#?}"
    );
    let written = fit(&place, "50us", &["--out", "out", "--json"]).ended(0);
    assert!(written.stderr.contains("note: tables/features.csv is left out: "), "{written:#?}");
    let document = written.json();
    let unwritten = &document["plan"]["features"][1];
    assert_eq!((&unwritten["feature"], &unwritten["form"]), (&"spikes".into(), &"matrix-free".into()));
    assert_eq!(document["targets"][0]["status"], "converged");
    assert!(!place.path("out/tables/features.csv").exists());
    // rates and filters are there
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    assert_eq!(bins.numbers("used").iter().sum::<f64>(), number(&document["n_bins_used"]));
    assert!(place.path("out/tables/filters.csv").exists() && place.path("out/report.html").exists());
    // the model expands new data alike
    let scored = place.run(&["score", "out/model.json", &tutorial(), "--json"]).ended(0).json();
    let (own, again) = (&document["targets"][0], &scored["targets"][0]);
    assert!((number(&own["log_likelihood"]) / number(&again["log_likelihood"]) - 1.0).abs() < 1e-12);
}

#[test]
fn large_arrays_are_not_written_again() {
    let place = Place::new();
    let mut random = Random(5);
    let (n, p) = (30_000, 36);
    let x: Vec<f64> = (0..n * p).map(|_| random.uniform()).collect();
    let y: Vec<f64> = (0..n).map(|_| f64::from(random.uniform() < 0.3)).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(p, &x)), ("y", Array::vector(&y))]);
    let fit = place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    let said = "note: tables/features.csv is left out: its many values are those of the data";
    assert!(fit.stderr.contains(said), "{fit:?}");
    assert!(!place.path("out/tables/features.csv").exists() && place.path("out/tables/bins.csv").exists());
}

#[test]
fn threads_change_no_bit() {
    let place = Place::new();
    let coef = |threads| {
        let fitted = fit(&place, "50us", &["--json", "--threads", threads]).ended(0).json();
        numbers(&fitted["targets"][0]["coef"])
    };
    let one = coef("1");
    assert_eq!(one, coef("2"));
    // four times as long bins tell nearly the same of the stimulus
    let coarse = numbers(&fit(&place, "200us", &["--json"]).ended(0).json()["targets"][0]["coef"]);
    assert!(relative(&coarse[..1], &one[..1]) < 0.05, "{coarse:?} {one:?}");
}
