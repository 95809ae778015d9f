//! Every statistical figure from fixed numbers, compared byte for byte with a reviewed snapshot.

#[path = "common/snapshot.rs"]
mod snapshot;

use rheobase::figure::Mark;
use rheobase::figure::basis::{BasisPanel, basis};
use rheobase::figure::coefficients::{CoefficientPanel, coefficients};
use rheobase::figure::convergence::{Descent, convergence};
use rheobase::figure::couplings::{CouplingPanel, couplings};
use rheobase::figure::cross_validation::{CurvePanel, cross_validation};
use rheobase::figure::epochs::{EpochPanel, epochs};
use rheobase::figure::filter::{FilterPanel, filter};
use rheobase::figure::goodness::{GoodnessModel, GoodnessRow, goodness};
use rheobase::figure::intervals::{IntervalPanel, intervals};
use rheobase::figure::tuning::{TuningModel, TuningPanel, tuning};
use rheobase::glm::goodness::rescale;
use rheobase::inverse_link::InverseLink;
use snapshot::reviewed;

const NAN: f64 = f64::NAN;

/// A smooth curve of `n` numbers, made of ratios alone so that every machine has the same.
fn bump(n: usize, middle: f64, width: f64, height: f64) -> Vec<f64> {
    (0..n).map(|k| height / (1.0 + ((k as f64 - middle) / width).powi(2))).collect()
}

fn steps(n: usize, first: f64, step: f64) -> Vec<f64> {
    (0..n).map(|k| first + step * k as f64).collect()
}

fn model(name: &str, hz: Vec<f64>, smoothed_hz: Vec<f64>) -> TuningModel {
    TuningModel { name: name.into(), hz, smoothed_hz }
}

#[test]
fn tuning_curves_of_two_models_with_empty_bins() {
    let mut data_hz = bump(15, 11.0, 3.0, 30.0);
    let (mut instantaneous, mut history) = (bump(15, 14.0, 3.0, 38.0), bump(15, 12.0, 2.5, 33.0));
    (data_hz[13], instantaneous[1], history[1]) = (0.0, NAN, NAN);
    // a bin between two empty ones
    history[3] = NAN;
    (instantaneous[4], history[5]) = (0.2, NAN);
    let panel = |target: &str, scale: f64| TuningPanel {
        series: "stimulus".into(),
        unit: "pA".into(),
        target: target.into(),
        centres: steps(15, 4.5, 9.0),
        data_hz: data_hz.iter().map(|hz| scale * hz).collect(),
        models: vec![
            model("history", history.clone(), bump(15, 13.0, 4.0, 22.0)),
            model("instantaneous", instantaneous.clone(), vec![NAN; 15]),
        ],
    };
    reviewed(&tuning(&[panel("unit 0", 1.0)], 2, "").unwrap(), "tuning");
    let several = [panel("unit 0", 1.0), panel("unit 4", 0.3), panel("unit 17", 0.05)];
    let figure = tuning(&several, 3, " The 3 of 9 targets with most events; the tables have all.").unwrap();
    assert!(figure.caption.ends_with("the tables have all."));
    reviewed(&figure, "tuning_of_several");
    assert!(tuning(&[], 2, "").is_none());
}

#[test]
fn couplings_with_a_truth_and_without() {
    let names = |n: usize| (0..n).map(|k| format!("{}", 3 * k)).collect::<Vec<String>>();
    let panel = |title: &str, shift: f64| CouplingPanel {
        title: title.into(),
        receiving: names(4),
        units: Vec::new(),
        sending: names(5),
        // a unit's own past is far beyond the others
        area_ms: (0..20)
            .map(|k| if k / 5 == k % 5 { -80.0 } else { f64::from(k % 7) - 3.0 + shift })
            .collect(),
    };
    let mut others = panel("units-others: fit", 0.25);
    (0..4).for_each(|k| others.area_ms[6 * k] = NAN);
    let rows = [vec![panel("units: fit", 0.25), panel("units: truth", 0.0)], vec![others]];
    let figure = couplings(&rows, InverseLink::Exp, "").unwrap();
    assert!(figure.caption.contains("the logarithm of the rate") && figure.drawing.rows[0].panels.len() == 2);
    let svg = figure.drawing.svg();
    assert_eq!(svg.matches("no estimate").count(), 1, "only where a cell is missing");
    reviewed(&figure, "couplings");
    assert!(
        couplings(&[], InverseLink::Exp, "").is_none()
            && couplings(&[vec![]], InverseLink::Exp, "").is_none()
    );
    // nothing but zeros, and nothing but own pasts
    let zeros = CouplingPanel { area_ms: vec![0.0; 20], ..panel("units", 0.0) };
    let alone =
        CouplingPanel { receiving: names(1), sending: names(1), area_ms: vec![-3.0], ..panel("units", 0.0) };
    for panel in [zeros, alone] {
        let svg = couplings(&[vec![panel]], InverseLink::Softplus, "").unwrap().drawing.svg();
        assert!(svg.contains("linear predictor × time (ms)") && !svg.contains("NaN"));
    }
}

#[test]
fn basis_functions_over_lags_and_values() {
    let panel = |title: &str, axis: [&str; 2], n: usize| BasisPanel {
        title: title.into(),
        axis: axis.map(String::from),
        from_zero: axis[0] == "lag",
        x: steps(100, 1.0, 1.0),
        functions: (0..n).map(|k| bump(100, 4.0 * (k * k) as f64, 1.0 + 4.0 * k as f64, 1.0)).collect(),
    };
    let panels = [panel("stimulus", ["lag", "ms"], 5), panel("position[x]", ["position[x]", "cm"], 3)];
    reviewed(&basis(&panels, "").unwrap(), "basis");
}

#[test]
fn filters_with_and_without_bands() {
    let panel = |title: &str, error: f64| FilterPanel {
        title: title.into(),
        x_axis: ["lag".into(), "ms".into()],
        from_zero: true,
        y_axis: ["filter".into(), "1/pA".into()],
        x: steps(100, 1.0, 1.0),
        values: bump(100, 3.0, 6.0, 0.03).iter().map(|value| value - 0.004).collect(),
        standard_errors: bump(100, 0.0, 20.0, error),
        feature: 0,
        no_estimate: String::new(),
    };
    let known = filter(&[panel("stimulus", 0.004)], 1, InverseLink::Exp, "").unwrap();
    assert!(known.caption.contains("correlations of the coefficients included"));
    reviewed(&known, "filter");
    let unknown = filter(&[panel("stimulus", NAN)], 1, InverseLink::Exp, "").unwrap();
    assert!(unknown.caption.contains("No bands"));
    let mixed =
        filter(&[panel("unit 0: stimulus", 0.004), panel("unit 1: stimulus", NAN)], 2, InverseLink::Exp, "")
            .unwrap();
    assert!(mixed.caption.contains("where the errors"));
    reviewed(&mixed, "filter_of_two");
    // small beside large on one axis; the huge curve of a separated fit on its own
    let times = |panel: FilterPanel, factor: f64| FilterPanel {
        values: panel.values.iter().map(|value| factor * value).collect(),
        ..panel
    };
    let separated = FilterPanel {
        no_estimate: "separated: not an estimate".into(),
        ..times(panel("unit 2: stimulus", NAN), 1e4)
    };
    let several = [panel("unit 0: stimulus", 0.004), times(panel("unit 1: stimulus", 0.002), 0.2), separated];
    let figure = filter(&several, 2, InverseLink::Exp, "").unwrap();
    assert!(figure.caption.contains("Panels of one feature have one range"));
    let panels: Vec<_> = figure.drawing.rows.iter().flat_map(|row| &row.panels).collect();
    assert!(panels[0].y.range.is_some() && panels[0].y.range == panels[1].y.range);
    assert_eq!(panels[2].y.range, None);
    assert_eq!(panels[2].title, "separated: not an estimate (unit 2: stimulus)");
    reviewed(&figure, "filter_of_three");
}

#[test]
fn coefficients_of_two_targets() {
    let panel = |title: &str, sign: f64| CoefficientPanel {
        title: title.into(),
        along: "feature".into(),
        names: (0..14).map(|k| format!("X[{k}]")).collect(),
        effects: (0..14).map(|k| sign * (f64::from(k) - 6.0) / 8.0).collect(),
        standard_errors: (0..14).map(|k| if k == 4 { NAN } else { 0.05 + 0.01 * f64::from(k) }).collect(),
    };
    reviewed(
        &coefficients(&[panel("y[0]", 1.0), panel("y[1]", -0.4)], InverseLink::Exp, "").unwrap(),
        "coefficients",
    );
}

#[test]
fn the_way_to_the_optimum_with_a_zero_at_its_end() {
    let descent = |target: &str, n: usize| Descent {
        target: target.into(),
        iterations: steps(n, 0.0, 1.0),
        loss_gap: (0..n).map(|k| if k + 1 == n { 0.0 } else { 0.3 * 0.1f64.powi((k * k) as i32) }).collect(),
        kkt_residual: (0..n).map(|k| if k == 1 { NAN } else { 0.5 * 0.1f64.powi(2 * k as i32) }).collect(),
    };
    let figure = convergence(&[descent("unit 0", 6), descent("unit 3", 5)], 1e-16, "").unwrap();
    reviewed(&figure, "convergence");
    assert!(convergence(&[], 1e-16, "").is_none());
}

#[test]
fn intervals_on_both_axes() {
    let panel = |first: f64, factor: f64, step: f64| IntervalPanel {
        target: "unit 0".into(),
        edges_ms: (0..13).map(|k| first * factor.powi(k) + step * f64::from(k)).collect(),
        counts: bump(12, 4.0, 2.0, 30.0).iter().map(|count| count.round()).collect(),
        median_ms: 60.0,
    };
    reviewed(&intervals(&[panel(5.0, 2.0, 0.0)], "").unwrap(), "intervals");
    reviewed(&intervals(&[panel(0.0, 1.0, 20.0), panel(0.0, 1.0, 20.0)], "").unwrap(), "intervals_linear");
}

#[test]
fn goodness_of_two_models() {
    // every 3rd, 5th and 8th bin in turn: too regular for a constant rate
    let mut y = vec![0.0; 400];
    let mut bin = 0;
    for gap in [3, 5, 8].into_iter().cycle() {
        bin += gap;
        if bin >= y.len() {
            break;
        }
        y[bin] = 1.0;
    }
    let distribution = |name: &str, mu: f64| {
        let rescaled = rescale(&y, &vec![mu; y.len()], std::slice::from_ref(&(0..y.len()))).unwrap();
        let statistic = rescaled.statistic;
        GoodnessModel { name: name.into(), distribution: rescaled.distribution(), statistic, n: rescaled.n() }
    };
    let lags = steps(60, 1.0, 1.0);
    let row = |models: Vec<GoodnessModel>| GoodnessRow {
        target: "unit 0".into(),
        ks_band: 1.36 / (models[0].n as f64).sqrt(),
        models,
        autocorrelation: bump(60, 8.0, 3.0, 0.2).iter().map(|r| r - 0.03).collect(),
        band: vec![0.05; 60],
        lags: lags.clone(),
        lag_unit: "ms".into(),
    };
    reviewed(&goodness(&[row(vec![distribution("history", 0.19)])], "").unwrap(), "goodness");
    let two = row(vec![distribution("history", 0.19), distribution("instantaneous", 0.1)]);
    let bare = GoodnessRow { lags: Vec::new(), autocorrelation: Vec::new(), band: Vec::new(), ..two.clone() };
    reviewed(&goodness(&[two, bare], "").unwrap(), "goodness_of_two");
    let few = GoodnessRow { ks_band: NAN, ..row(vec![distribution("history", 0.19)]) };
    let figure = goodness(&[few], "").unwrap();
    assert!(figure.drawing.rows[0].panels[0].title.starts_with("unit 0: too few intervals (n = "));
    assert!(!figure.drawing.svg().contains("NaN"));
}

#[test]
fn rates_of_epochs() {
    let panel = |target: &str, n: usize| EpochPanel {
        target: target.into(),
        epochs: steps(n, 0.0, 1.0),
        observed_hz: (0..n).map(|k| if k == 2 { NAN } else { 1.0 + ((7 * k) % 5) as f64 / 5.0 }).collect(),
        predicted_hz: (0..n).map(|k| if k == 2 { NAN } else { 1.5 }).collect(),
        used_s: (0..n).map(|k| if k == 2 { 0.0 } else { 20.0 + k as f64 }).collect(),
    };
    reviewed(&epochs(&[panel("unit 0", 6), panel("unit 5", 6)], "").unwrap(), "epochs");
    reviewed(&epochs(&[panel("unit 0", 150)], "").unwrap(), "epochs_many");
    let figure = epochs(&[panel("unit 0", 5003)], "").unwrap();
    assert!(figure.caption.ends_with("A point stands for 26 neighbouring epochs, the last one for 11."));
    let Mark::Points { x, y, .. } = &figure.drawing.rows[0].panels[0].marks[2] else { panic!("no points") };
    assert_eq!((x.len(), x[0], x[192]), (193, 12.5, 4997.0));
    // epoch 2 has no used bins; weights are the seconds
    let epochs =
        (0..26).filter(|k| *k != 2).map(|k| (1.0 + f64::from((7 * k) % 5) / 5.0, 20.0 + f64::from(k)));
    let (count, used_s) =
        epochs.fold((0.0, 0.0), |(count, all), (hz, used_s)| (count + hz * used_s, all + used_s));
    assert!((y[0] - count / used_s).abs() < 1e-12, "{} {}", y[0], count / used_s);
    reviewed(&figure, "epochs_thousands");
}

#[test]
fn curves_of_a_cross_validation_with_a_strength_that_cannot_be() {
    let curve = |target: &str, best: usize, one_se: usize, middle: f64| CurvePanel {
        target: target.into(),
        strengths: (0..8).map(|k| f64::powi(10.0, k - 5)).collect(),
        scores: bump(8, middle, 2.5, 0.05).into_iter().map(|score| score - 0.4).collect(),
        standard_errors: vec![0.006; 8],
        best,
        one_se,
    };
    let mut second = curve("unit 7", 2, 4, 2.0);
    second.scores[7] = f64::NEG_INFINITY;
    let figure = cross_validation(&[curve("unit 3", 4, 5, 4.0), second], 10, "ridge", " A note.").unwrap();
    reviewed(&figure, "cross_validation");
    assert!(figure.caption.contains("10 folds") && figure.caption.ends_with("A note."), "{}", figure.caption);
    assert!(cross_validation(&[], 10, "ridge", "").is_none());
}
