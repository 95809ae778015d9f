//! What report, figures and tables of a fit to labels say where penalties, weights, offsets and intercepts change what is true.

use hdf5::File;
use serde_json::Value;

use crate::categorical_rows::{FIT, table};
use crate::report::report;
use crate::table::Table;
use crate::write_nwb::{attribute, recording};
use crate::{Place, json, number, numbers};

const X: [&str; 4] = ["--x", "speed,angle", "--out", "out"];

/// A fit of 300 rows, and the words of its page with one space between two of them.
fn reported(place: &Place, more: &[&str]) -> (Value, String) {
    table(place, "d.csv", 1, |_| 1);
    place.run(&[&FIT[..], &X, more].concat()).ended(0);
    let (_, page) = report(place, "out");
    (json(&place.path("out/fit.json")), page.text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The largest sum of the coefficients of a column over the classes.
fn largest_sum(fit: &Value) -> f64 {
    let sums = numbers(&fit["targets"][0]["coef"])
        .chunks(3)
        .map(|row| row.iter().sum::<f64>().abs())
        .collect::<Vec<_>>();
    sums.into_iter().fold(0.0, f64::max)
}

#[test]
fn sums_over_the_classes_are_said_of_those_penalties_that_have_them() {
    for (penalty, ratio, sums) in [
        ("ridge", None, true),
        ("group-lasso", None, true),
        ("lasso", None, false),
        ("elastic-net", Some("0.5"), false),
    ] {
        let place = Place::new();
        let mut own = vec!["--regularizer", penalty, "--strength", "0.02"];
        own.extend(ratio.map(|ratio| ["--ratio", ratio]).into_iter().flatten());
        let (fit, page) = reported(&place, &own);
        assert_eq!(largest_sum(&fit) < 1e-12, sums, "{penalty}: {}", largest_sum(&fit));
        for said in ["geometric mean", "sum to 0", "less its mean over the classes"] {
            assert_eq!(page.contains(said), sums, "{penalty}: {said}");
        }
        let of_filters = "changes of the linear predictor of a class (the difference between two classes";
        let of_figures = "how much the linear predictor of the class (the difference between two classes is their log odds) changes";
        for said in [of_filters, of_figures] {
            assert_eq!(page.contains(said), !sums, "{penalty}: {said}");
        }
    }
}

#[test]
fn the_copy_says_what_filters_add_up_to() {
    let place = recording();
    let fit =
        ["fit", "r.nwb", "--epochs", "run", "--bin", "50ms", "--observation", "categorical", "--unit", "3"];
    let feature = ["--feature", "current : raised-cosine-log(3, window=200ms)"];
    for (penalty, said) in [("ridge", "geometric mean"), ("lasso", "differences between two classes")] {
        let own = ["--regularizer", penalty, "--strength", "0.01", "--write-nwb", "copy.nwb"];
        place.run(&[&fit[..], &feature, &own].concat()).ended(0);
        let file = File::open(place.path("copy.nwb")).unwrap();
        let description = attribute(&file, "processing/rheobase/filters", "description");
        assert!(description.contains(said), "{penalty}: {description}");
        assert_eq!(description.contains("geometric mean"), penalty == "ridge");
    }
}

/// Every class: the used rows in ten groups of equal weight by probability, which are added up here.
#[test]
fn shares_are_those_of_the_weights() {
    let place = Place::new();
    let (fit, page) = reported(&place, &["--weights", "count"]);
    for said in [
        "the part of the weight of each group that is of the class",
        "which flatters a model",
        "predicts the weighted frequencies of the classes in the same rows",
        "A row counts once here, whatever its weight.",
        "A bin counts once here, whatever its weight.",
    ] {
        assert!(page.contains(said), "{said:?} is not in: {page}");
    }
    let (data, bins) = (Table::read(&place.path("d.csv")), Table::read(&place.path("out/tables/bins.csv")));
    let calibration = Table::read(&place.path("out/tables/calibration.csv"));
    let (weights, labels) = (data.numbers("count"), bins.texts("label_turn"));
    let mut row = 0;
    for class in ["left", "right", "stop"] {
        let p = bins.numbers(&format!("probability_turn_{class}"));
        let mut used: Vec<usize> = (0..300).filter(|&bin| weights[bin] > 0.0).collect();
        used.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let mut groups = [[0.0; 4]; 10];
        let mut so_far = 0.0;
        for bin in used {
            let (w, group) = (weights[bin], &mut groups[(so_far / 30.0) as usize]);
            let is_of_class = f64::from(u8::from(labels[bin] == class));
            group.iter_mut().zip([1.0, w, w * p[bin], w * is_of_class]).for_each(|(sum, own)| *sum += own);
            so_far += w;
        }
        assert_eq!(so_far, 300.0);
        for [n, weight, of_probability, of_class] in groups {
            let cell = |name: &str| calibration.numbers(name)[row];
            assert_eq!((calibration.texts("class")[row].as_str(), cell("n_bins")), (class, n));
            assert!((cell("probability") - of_probability / weight).abs() < 1e-14);
            assert!((cell("share") - of_class / weight).abs() < 1e-14);
            assert!(cell("low") < cell("share") && cell("share") < cell("high") || cell("share") == 0.0);
            row += 1;
        }
    }
    assert_eq!(row, calibration.n_rows());
    // rows count once in the accuracy, and the report without weights speaks of none
    let counts: Vec<f64> =
        fit["targets"][0]["confusion"].as_array().unwrap().iter().flat_map(numbers).collect();
    assert_eq!(counts.iter().sum::<f64>(), 200.0);
    let (_, page) = reported(&place, &[]);
    assert!(
        page.contains("predicts the frequencies of the classes in the same rows")
            && !page.contains("counts once here")
    );
}

#[test]
fn the_formula_has_the_terms_of_the_model() {
    let linear = "w 1 k x 1 ( t ) + w 2 k x 2 ( t )";
    let offset = ["--offset", "left,right,stop"];
    for (more, expected, sums) in [
        (&[][..], format!("= b k + {linear} Of a"), "as the intercepts do: η is ln(P)"),
        (
            &offset[..],
            format!("= b k + {linear} + offset k ( t ) Of a"),
            "do: what features add to η they add to ln(P)",
        ),
        (&["--no-intercept"], format!("= {linear} Of a"), "all classes sum to 0: η is ln(P)"),
        (
            &[&offset[..], &["--no-intercept"]].concat(),
            format!("= {linear} + offset k ( t ) Of a"),
            "0: what features add",
        ),
    ] {
        let place = Place::new();
        let (_, page) = reported(&place, more);
        assert!(page.contains(&expected), "{expected} is not in {page}");
        assert!(page.contains(sums), "{sums} is not in {page}");
        let of_offset = "predicts from the offset and the constants of the classes beside it that make the labels of the same rows most likely";
        assert_eq!(page.contains(of_offset), more.contains(&"--offset"), "{page}");
        // a row of the table of coefficients
        assert_eq!(page.contains(" intercept "), !more.contains(&"--no-intercept"), "{page}");
    }
    // the same of counts
    let counts = [
        "fit",
        "d.csv",
        "--y",
        "count",
        "--x",
        "speed",
        "--out",
        "out",
        "--offset",
        "left",
        "--no-intercept",
    ];
    let place = Place::new();
    table(&place, "d.csv", 1, |_| 1);
    place.run(&counts).ended(0);
    let text = report(&place, "out").1.text;
    let page = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains("exp( w 1 x 1 ( t ) + offset( t ) )"), "{page}");
    assert!(
        page.contains("the constant beside it that makes the counts of the same rows most likely"),
        "{page}"
    );
}

#[test]
fn a_strength_by_cross_validation_is_drawn_and_said() {
    let place = Place::new();
    let own = ["--regularizer", "ridge", "--strength", "1e-4:1:5", "--cv", "kfold", "--folds", "4"];
    let (fit, page) = reported(&place, &own);
    let svg = std::fs::read_to_string(place.path("out/figures/cross_validation.svg")).unwrap();
    assert!(svg.starts_with("<svg") && !svg.contains("NaN"));
    for said in ["strength by 4-fold cross-validation", "Cross-validation"] {
        assert!(page.contains(said), "{said:?} is not in: {page}");
    }
    let best = fit["targets"][0]["cv"]["best"].as_u64().unwrap() as usize;
    assert_eq!(number(&fit["targets"][0]["strength"]), numbers(&fit["targets"][0]["cv"]["strengths"])[best]);
    let place = Place::new();
    let (_, page) = reported(&place, &["--regularizer", "ridge", "--strength", "0.1"]);
    assert!(!page.contains("cross-validation") && !place.path("out/figures/cross_validation.svg").exists());
}
