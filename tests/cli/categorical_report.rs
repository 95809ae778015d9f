//! Report, figures, tables and copy of the recording of a fit to labels: every class as a target of its own.

use std::fmt::Write as _;

use hdf5::File;
use rheobase::basis::{Expand, RaisedCosineLog};
use serde_json::Value;

use crate::categorical::{NAMES, Y, table};
use crate::report::report;
use crate::table::Table;
use crate::write_nwb::{column, recording, text_column};
use crate::{Place, files_under, json, number, numbers};

/// Words of a fit of the labels of unit 3 in bins of 50 ms: spike counts from 0 on.
const COUNTS: [&str; 8] =
    ["fit", "r.nwb", "--epochs", "run", "--bin", "50ms", "--observation", "categorical"];
const RIDGE: f64 = 0.01;
const PENALTY: [&str; 4] = ["--regularizer", "ridge", "--strength", "0.01"];

fn fitted(more: &[&str]) -> (Place, Value) {
    let place = recording();
    place.run(&[&COUNTS[..], &PENALTY, more, &["--out", "out"]].concat()).ended(0);
    let fit = json(&place.path("out/fit.json"));
    (place, fit)
}

/// Coefficients of one class of the first target.
fn of_class(fit: &Value, class: usize) -> Vec<f64> {
    let target = &fit["targets"][0];
    let n_classes = target["classes"].as_array().unwrap().len();
    numbers(&target["coef"]).chunks(n_classes).map(|row| row[class]).collect()
}

/// The inverse of a matrix, row after row, by Gauss and Jordan with the largest pivots.
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for (i, row) in a.iter_mut().enumerate() {
        row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
    }
    for k in 0..n {
        let largest = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, largest);
        let pivot = a[k][k];
        a[k].iter_mut().for_each(|value| *value /= pivot);
        let own = a[k].clone();
        for (_, row) in a.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = row[k];
            row.iter_mut().zip(&own).for_each(|(value, own)| *value -= factor * own);
        }
    }
    a.into_iter().map(|row| row[n..].to_vec()).collect()
}

#[test]
fn texts_are_reported_with_everything_that_has_a_meaning() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    let words = ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--out", "out"];
    place.run(&words).ended(0);
    let fit = json(&place.path("out/fit.json"));
    let files = files_under(&place.path("out"));
    let tables = ["bins", "calibration", "coefficients", "confusion", "features"];
    let drawn = ["calibration", "coefficients", "confusion", "convergence", "prediction"];
    for file in tables.map(|name| format!("tables/{name}.csv")) {
        assert!(files.contains(&file), "{file}: {files:?}");
    }
    for name in drawn {
        let svg = std::fs::read_to_string(place.path(&format!("out/figures/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("NaN") && !svg.contains("inf"), "{name}");
        assert!(files.contains(&format!("figures/{name}.png")), "{name}");
    }
    assert_eq!(files.iter().filter(|file| file.contains(".svg")).count(), drawn.len(), "{files:?}");
    let (html, page) = report(&place, "out");
    for said in [
        "At the optimum, with proof.",
        "multinomial logistic regression",
        "294 of 300 rows",
        "frequencies of the classes",
        "the log odds of a class against the geometric mean",
        "turn, last=left",
        "Calibration of the probabilities",
        "Probabilities of the classes against the labels",
    ] {
        assert!(page.text.contains(said), "{said:?} is not in: {}", page.text);
    }
    for false_of_classes in
        ["spikes", "events", "ln(rate)", "Bernoulli", "log odds of an event", "Kolmogorov"]
    {
        assert!(!page.text.contains(false_of_classes), "{false_of_classes}");
    }
    // the matrix of the page is that of the result, and adds up to the used rows
    let confusion = fit["targets"][0]["confusion"].as_array().unwrap();
    let counts: Vec<f64> = confusion.iter().flat_map(numbers).collect();
    assert_eq!(counts.iter().sum::<f64>(), 294.0);
    let start = html.find("aria-label=\"Most probable classes of").unwrap();
    let cells =
        crate::html::Page::texts_of(&html[start..start + html[start..].find("</table>").unwrap()], "td");
    for (k, row) in counts.chunks(3).enumerate() {
        let shown: Vec<f64> = cells[4 * k..4 * k + 4].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!((&shown[..3], shown[3]), (row, row.iter().sum()));
    }
    // of every class the shares of the groups add up to its rows
    let text = std::fs::read_to_string(place.path("out/tables/calibration.csv")).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().skip(1).map(|line| line.rsplit(',').collect::<Vec<_>>()).collect();
    for (k, name) in NAMES.iter().enumerate() {
        let own = rows.iter().filter(|row| row[5] == *name);
        let of_class: f64 =
            own.map(|row| row[4].parse::<f64>().unwrap() * row[2].parse::<f64>().unwrap()).sum();
        assert!((of_class - counts[3 * k..3 * k + 3].iter().sum::<f64>()).abs() < 1e-9, "{name}");
    }
    // the way to the optimum ends with the certificate
    let target = &fit["targets"][0];
    let history = target["history"].as_array().unwrap();
    assert_eq!(history.len() as u64, target["iterations"].as_u64().unwrap() + 1);
    for field in ["kkt_residual", "loss_gap", "loss"] {
        assert_eq!(history[history.len() - 1][field], target[field]);
    }
    // which is not kept, and changes nothing, where nothing is written
    let plain = place.run(&[&words[..6], &["--json"]].concat()).ended(0).json();
    assert!(plain["targets"][0].get("history").is_none());
    for field in ["coef", "intercept", "standard_errors", "loss_gap", "kkt_residual", "passes", "iterations"]
    {
        assert_eq!(plain["targets"][0][field], target[field], "{field}");
    }
}

/// Filters are the basis times the coefficients of the class; their errors the root of the quadratic form of the basis with the
/// inverse of the Hessian, which is computed here from the tables, in terms of coefficients against those of the last class.
#[test]
fn filters_and_bands_of_every_class() {
    let feature = "current : raised-cosine-log(3, window=200ms)";
    let (place, fit) = fitted(&["--unit", "3", "--feature", feature]);
    let n_classes = fit["targets"][0]["classes"].as_array().unwrap().len();
    assert!(n_classes > 2, "{n_classes}");
    let (bins, features) = (
        Table::read(&place.path("out/tables/bins.csv")),
        Table::read(&place.path("out/tables/features.csv")),
    );
    let (p, free) = (4, n_classes - 1);
    let mut x: Vec<Vec<f64>> = vec![vec![1.0; bins.n_rows()]];
    x.extend((1..p).map(|k| features.numbers(&format!("current.{k}"))));
    let probabilities: Vec<Vec<f64>> =
        (0..n_classes).map(|k| bins.numbers(&format!("probability_3_{k}"))).collect();
    let used: Vec<usize> = (0..bins.n_rows()).filter(|&bin| bins.numbers("used")[bin] == 1.0).collect();
    let n = used.len() as f64;
    // coefficients less their mean over the classes
    let centred = |class: usize, a: usize| f64::from(u8::from(class == a)) - 1.0 / n_classes as f64;
    let entry = |i: usize, j: usize| {
        let ((a, i), (b, j)) = ((i / p, i % p), (j / p, j % p));
        let of_bin = |&bin: &usize| {
            let (pa, pb) = (probabilities[a][bin], probabilities[b][bin]);
            x[i][bin] * x[j][bin] * (if a == b { pa } else { 0.0 } - pa * pb)
        };
        let penalty: f64 = (0..n_classes).map(|class| centred(class, a) * centred(class, b)).sum();
        let of_penalty = if i == j && i > 0 { RIDGE * penalty } else { 0.0 };
        used.iter().map(of_bin).sum::<f64>() / n + of_penalty
    };
    let size = p * free;
    let hessian = (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect();
    let covariance = inverse(hessian);
    let kernel = RaisedCosineLog::new(3).unwrap().kernel(4).unwrap();
    let filters = Table::read(&place.path("out/tables/filters.csv"));
    assert_eq!(filters.n_rows(), 4 * n_classes);
    let (lags, values, errors) =
        (filters.numbers("lag_s"), filters.numbers("filter"), filters.numbers("standard_error"));
    for row in 0..filters.n_rows() {
        let (class, lag) = (row / 4, row % 4);
        assert_eq!(filters.texts("target")[row], format!("3={class}"));
        assert!((lags[row] - 0.05 * (lag + 1) as f64).abs() < 1e-12);
        let coef = of_class(&fit, class);
        let expected: f64 = (0..3).map(|k| kernel[(lag, k)] * coef[k]).sum();
        assert!((values[row] - expected).abs() < 1e-12, "{row}: {} {expected}", values[row]);
        let at = |i: usize| {
            if i.is_multiple_of(p) { 0.0 } else { centred(class, i / p) * kernel[(lag, i % p - 1)] }
        };
        let form: f64 =
            (0..size).map(|i| (0..size).map(|j| at(i) * covariance[i][j] * at(j)).sum::<f64>()).sum();
        let expected = (form / n).sqrt();
        assert!((errors[row] - expected).abs() <= 1e-8 * expected, "{row}: {} {expected}", errors[row]);
    }
    let (_, page) = report(&place, "out");
    assert!(page.text.contains("What was learned") && page.text.contains("bins of unit 3=0"));
    for figure in ["basis", "filter", "session", "prediction", "calibration", "confusion", "convergence"] {
        let svg = std::fs::read_to_string(place.path(&format!("out/figures/{figure}.svg"))).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("(Hz)"), "{figure}");
        assert!(page.ids.contains(&format!("figure-{figure}")), "{figure}");
    }
    let files = files_under(&place.path("out"));
    assert!(
        ["goodness", "epochs", "intervals", "tuning"]
            .iter()
            .all(|name| !files.contains(&format!("figures/{name}.svg")))
    );
}

#[test]
fn surfaces_and_the_copy_of_the_recording_hold_every_class() {
    let product = "current : bspline(4, range=-2:2) x position[0] : raised-cosine-linear(3)";
    let past = "current : raised-cosine-log(2, window=100ms)";
    let more = ["--unit", "3", "--feature", product, "--feature", past, "--write-nwb", "copy.nwb"];
    let (place, fit) = fitted(&more);
    let n_classes = fit["targets"][0]["classes"].as_array().unwrap().len();
    let surfaces = Table::read(&place.path("out/tables/surfaces.csv"));
    assert_eq!(surfaces.n_rows(), 1600 * n_classes);
    assert!(surfaces.numbers("standard_error").iter().all(|error| error.is_finite() && *error > 0.0));
    // what a class gains the others lose
    let values = surfaces.numbers("surface");
    for cell in 0..1600 {
        let own: Vec<f64> = (0..n_classes).map(|class| values[1600 * class + cell]).collect();
        let largest = own.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(largest > 0.0 && own.iter().sum::<f64>().abs() < 1e-12 * largest.max(1.0));
    }
    let (_, page) = report(&place, "out");
    assert!(page.text.contains("Tuning surface"));
    // the copy
    let copy = place.path("copy.nwb");
    assert_eq!(fit["write_nwb"]["path"], "copy.nwb");
    let file = File::open(&copy).unwrap();
    let classes: Vec<String> = (0..n_classes).map(|class| class.to_string()).collect();
    assert_eq!(text_column(&file, "glm/class"), classes);
    assert!(text_column(&file, "glm/target").iter().all(|target| target == "3"));
    let coef = column::<f64>(&file, "glm/coef");
    let expected: Vec<f64> = (0..n_classes).flat_map(|class| of_class(&fit, class)).collect();
    assert_eq!(coef, expected);
    let filters = Table::read(&place.path("out/tables/filters.csv"));
    assert_eq!(column::<f64>(&file, "filters/filter"), filters.numbers("filter"));
    assert_eq!(text_column(&file, "filters/class").len(), filters.n_rows());
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    let found = column::<f64>(&file, "predicted_probability/data");
    for class in 0..n_classes {
        let written = bins.numbers(&format!("probability_3_{class}"));
        let own: Vec<f64> = found.iter().skip(class).step_by(n_classes).copied().collect();
        assert_eq!(own.len(), written.len());
        assert!(own.iter().zip(&written).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
    }
    assert!(!file.link_exists("processing/rheobase/predicted_rate"));
    assert!(rheobase::read::nwb::open(&copy).is_ok());
    // and it is a model file
    let scores = |model: &str| {
        place.run(&["score", model, "r.nwb", "--epochs", "run", "--json"]).ended(0).json()["targets"].clone()
    };
    assert_eq!(scores("copy.nwb"), scores("out/model.json"));
}

#[test]
fn couplings_are_those_of_every_class() {
    let feature = "units : raised-cosine-log(2, window=150ms)";
    let (place, fit) = fitted(&["--unit", "all", "--feature", feature]);
    let targets = fit["targets"].as_array().unwrap();
    let n_classes: Vec<usize> =
        targets.iter().map(|target| target["classes"].as_array().unwrap().len()).collect();
    let couplings = Table::read(&place.path("out/tables/couplings.csv"));
    assert_eq!(couplings.n_rows(), 3 * n_classes.iter().sum::<usize>());
    let kernel = RaisedCosineLog::new(2).unwrap().kernel(3).unwrap();
    let (areas, errors) = (couplings.numbers("area_s"), couplings.numbers("standard_error_s"));
    let mut row = 0;
    for (target, n) in targets.iter().zip(&n_classes) {
        let coef = numbers(&target["coef"]);
        for class in 0..*n {
            for sender in 0..3 {
                let name = format!("{}={class}", target["name"].as_str().unwrap());
                assert_eq!(couplings.texts("receiving")[row], name);
                let expected: f64 =
                    (0..2).map(|k| 0.05 * kernel.column(k).sum() * coef[(2 * sender + k) * n + class]).sum();
                assert!((areas[row] - expected).abs() < 1e-14 && errors[row] > 0.0, "{row}");
                row += 1;
            }
        }
    }
    let (_, page) = report(&place, "out");
    assert!(page.text.contains("each class of the labels of a unit (rows)"));
    // one table of features, since all targets see the same
    assert!(place.path("out/tables/features.csv").exists());
}

#[test]
fn columns_that_repeat_others_are_told() {
    let place = Place::new();
    let mut text = String::from("a,b,y\n");
    for row in 0..90_u32 {
        let a = f64::from(row * 37 % 90) / 90.0;
        writeln!(text, "{a},{},{}", 2.0 * a, row * 7 % 3).unwrap();
    }
    std::fs::write(place.path("d.csv"), text).unwrap();
    place.run(&["fit", "d.csv", "--y", "y", "--observation", "categorical", "--out", "out"]).ended(0);
    let fit = json(&place.path("out/fit.json"));
    let found = &fit["identifiability"];
    assert_eq!((&found["rank"], &found["dependences"][0]["column"]), (&1.into(), &"b".into()), "{found}");
    assert!((number(&found["dependences"][0]["columns"][0]["coefficient"]) - 2.0).abs() < 1e-9);
    let (_, page) = report(&place, "out");
    assert!(page.text.contains("What the data do not determine"));
}
