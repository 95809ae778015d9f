//! The figures over time, from fixed numbers, byte for byte as reviewed.

#[path = "common/snapshot.rs"]
mod snapshot;

use rheobase::figure::{
    Axis, Colours, Drawing, Figure, Mark, Onset, Panel, Prediction, Pulses, Rates, Role, Row, Session,
    Stimulus, Stretch, Style, Ticks,
};
use snapshot::reviewed;

/// Rises and falls between 0 and `high`, once per `period`.
fn zigzag(t: f64, period: f64, high: f64) -> f64 {
    let phase = (t / period).fract();
    2.0 * high * phase.min(1.0 - phase)
}

fn line(range: [f64; 2], f: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let t: Vec<f64> = (0..=200).map(|i| range[0] + (range[1] - range[0]) * f64::from(i) / 200.0).collect();
    let y = t.iter().map(|t| f(*t)).collect();
    (t, y)
}

fn rates(range: [f64; 2], targets: &[&str]) -> Vec<Rates> {
    let of_target = |(k, target): (usize, &&str)| {
        let high = 20.0 + 10.0 * k as f64;
        let model = |name: &str, part: f64| {
            // the window of a model is unknown at the start
            let unknown = range[0] + 0.1;
            let (x, y) =
                line(range, |t| if t < unknown { f64::NAN } else { zigzag(t + 0.1, 2.0, part * high) });
            (name.to_string(), x, y)
        };
        let observed = line(range, |t| zigzag(t, 2.0, high));
        Rates {
            target: (*target).into(),
            observed,
            models: vec![model("history", 0.8), model("instantaneous", 0.6)],
            of_class: false,
        }
    };
    targets.iter().enumerate().map(of_target).collect()
}

fn stretch(range: [f64; 2], targets: &[&str], n_columns: usize) -> Stretch {
    let column = |k: usize| {
        let (x, y) = line(range, |t| zigzag(t, 1.0, 3.2e-10 / (k + 1) as f64));
        (["x", "y"][k].to_string(), x, y)
    };
    let stimulus = Stimulus {
        label: "stimulus".into(),
        unit: "A".into(),
        columns: (0..n_columns).map(column).collect(),
    };
    let spikes = |k: usize| {
        (0..40).map(|i| range[0] + (range[1] - range[0]) * f64::from(i) / (40.0 + k as f64)).collect()
    };
    let names: &[&str] = if targets == [""] { &["3"] } else { targets };
    let raster = names.iter().enumerate().map(|(k, name)| ((*name).to_string(), spikes(k))).collect();
    let stimuli = if n_columns > 0 { vec![stimulus] } else { Vec::new() };
    Stretch { range_s: range, gaps_s: Vec::new(), stimuli, raster, rates: rates(range, targets) }
}

fn session(targets: &[&str], n_columns: usize) -> Figure {
    let stretch = stretch([460.0, 468.0], targets, n_columns);
    Session { stretch, place: "epoch 2 of 6, 460.00 to 468.00 s".into(), notes: String::new() }.figure()
}

#[test]
fn the_session_of_one_neuron() {
    reviewed(&session(&[""], 1), "session");
}

#[test]
fn the_session_of_several_neurons_and_columns() {
    reviewed(&session(&["3", "5", "17"], 2), "session_population");
}

#[test]
fn the_session_without_a_signal() {
    let figure = session(&[""], 0);
    assert_eq!(figure.drawing.rows.len(), 2, "no empty panel");
    reviewed(&figure, "session_spikes");
}

#[test]
fn three_pulses() {
    let stretches = [[1.0, 3.0], [5.0, 6.0], [10.5, 13.0]].map(|range| stretch(range, &[""], 1)).to_vec();
    let place = "1.00 to 13.00 s".into();
    reviewed(&Pulses { stretches, are_pulses: true, place, notes: String::new() }.figure(), "pulses");
}

fn prediction(targets: &[&str]) -> Figure {
    let (whole, part) = ([0.0, 20.0], [7.0, 9.0]);
    Prediction {
        along: ("time".into(), "s".into()),
        unit: "Hz".into(),
        whole,
        part: Some(part),
        rates: rates(whole, targets),
        rates_of_part: rates(part, targets),
        place: "0.00 to 20.00 s".into(),
        notes: String::new(),
    }
    .figure()
}

#[test]
fn predictions_at_two_zooms() {
    reviewed(&prediction(&[""]), "prediction");
    reviewed(&prediction(&["3", "5"]), "prediction_population");
}

#[test]
fn predictions_without_a_part_have_one_panel_each() {
    let rates = rates([0.0, 4.0], &["unit 3", "unit 5"]);
    let few = Prediction { rates, unit: "Hz".into(), whole: [0.0, 4.0], ..Prediction::default() };
    let figure = few.figure();
    assert!(
        figure.drawing.rows.iter().all(|row| row.panels.len() == 1) && !figure.caption.contains("enlarged")
    );
}

#[test]
fn gaps_between_epochs_are_shaded() {
    let stretch =
        Stretch { gaps_s: vec![[461.0, 462.0], [465.0, 465.5]], ..stretch([460.0, 468.0], &[""], 1) };
    let (place, notes) = ("epochs 3 to 5 (of 0 to 9), 460.00 to 468.00 s".into(), String::new());
    let figure = Session { stretch, place, notes }.figure();
    let spans = |panel: &Panel| panel.marks.iter().filter(|mark| matches!(mark, Mark::Span { .. })).count();
    assert!(figure.drawing.rows.iter().all(|row| spans(&row.panels[0]) == 2));
    assert!(figure.caption.ends_with("between epochs is shaded."));
    reviewed(&figure, "session_of_trials");
}

#[test]
fn features_around_an_onset() {
    let range = [1.8, 2.5];
    let column = |k: usize| {
        let (x, y) = line(range, |t| (t - 2.0 - 0.03 * k as f64).max(0.0) * 10.0 * k as f64);
        (format!("stimulus.{k}"), x, y)
    };
    let stretch = Stretch { rates: Vec::new(), ..stretch(range, &[""], 1) };
    let columns = (1..=8).map(column).collect();
    let (feature, place, notes) = ("stimulus".into(), "0.00 to 20.00 s".into(), String::new());
    reviewed(
        &Onset { stretch, at_s: 2.0, is_pulse: true, feature, columns, window_s: 0.2, place, notes }.figure(),
        "onset",
    );
}

/// A heat map of these numbers.
fn cells(x: Vec<f64>, y: Vec<f64>, values: Vec<f64>, colours: Colours) -> Mark {
    Mark::Cells { x, y, values, colours, style: Style::of(Role::Shade).width(1.0).label("no value") }
}

#[test]
fn a_heat_map_of_names_with_cells_without_a_number() {
    let edges = || (0..=4).map(f64::from).collect::<Vec<f64>>();
    let names = || Ticks::Named((0..4).map(|k| (f64::from(k) + 0.5, format!("unit {k}"))).collect());
    let mut values: Vec<f64> = (0..16).map(|k| f64::from(k - 6) / 4.0).collect();
    (values[5], values[14]) = (f64::NAN, f64::INFINITY);
    let colours = || Colours::diverging(Axis::new("sum of the filter", "log rate"));
    // the first row on top
    let panel = Panel::new(
        Axis::new("sending unit", "").ticks(names()),
        Axis::new("receiving unit", "").range(4.0, 0.0).ticks(names()),
    )
    .with(cells(edges(), edges(), values.clone(), colours()));
    let drawing = Drawing::new(vec![Row::new(300.0, vec![panel.clone(), panel])]);
    let figure = Figure::new("cells", "A heat map of names", "Made up.", drawing);
    let svg = figure.drawing.svg();
    assert_eq!(svg.matches("<rect x=").count(), 2 * (14 + 2 + 64), "a cell each, and the steps of the bar");
    assert!(figure.drawing.png(2.0).unwrap().starts_with(b"\x89PNG"));
    reviewed(&figure, "cells_of_names");
}

#[test]
fn a_heat_map_of_uneven_edges_fills_its_panel() {
    let x = vec![0.0, 1.0, 2.0, 4.0, 8.0];
    let y = vec![-10.0, 0.0, 20.0, 30.0];
    let values: Vec<f64> =
        (0..12).map(|k| if k == 7 { f64::NAN } else { zigzag(f64::from(k), 12.0, 30.0) }).collect();
    let axes = || (Axis::new("speed", "cm/s"), Axis::new("position", "cm"));
    let colours = || Colours::sequential(Axis::new("rate", "Hz").from_zero());
    let map = cells(x, y, values, colours());
    let line =
        Mark::Line { x: vec![0.0, 8.0], y: vec![5.0, 9.0], style: Style::of(Role::Data).label("model") };
    let (above, below) =
        (Panel::new(axes().0, axes().1).with(map), Panel::new(axes().0, axes().1).with(line));
    let rows = vec![Row::new(200.0, vec![above]), Row::new(100.0, vec![below])];
    let drawing = Drawing::new(rows).shares_x();
    reviewed(&Figure::new("cells", "A heat map of numbers", "Made up.", drawing), "cells_of_numbers");
    // nothing at all, and one number, are drawings as well
    for values in [Vec::new(), vec![3.0], vec![f64::NAN]] {
        let map = cells(vec![0.0, 1.0], vec![0.0, 1.0], values, colours());
        let panel = Panel::new(axes().0, axes().1).with(map);
        let svg = Drawing::new(vec![Row::new(100.0, vec![panel])]).svg();
        assert!(svg.contains("rate (Hz)") && !svg.contains("NaN"));
    }
}

#[test]
fn drawings_fit_into_a_page_and_into_words() {
    let ticks = Ticks::Named((0..60).map(|k| (f64::from(k), format!("unit {k}"))).collect());
    let panel = Panel::new(
        Axis::new("a label with <brackets> & more", ""),
        Axis::new("y", "").range(0.0, 60.0).ticks(ticks),
    )
    .with(Mark::Line {
        x: vec![0.0, f64::INFINITY, 2.0],
        y: vec![1e300, 0.0, -1e300],
        style: Style::of(Role::Data),
    })
    .with(Mark::Bars {
        edges: vec![0.0],
        heights: Vec::new(),
        style: Style::of(Role::Data).label("$x$"),
    });
    let drawing = Drawing {
        description: "a \"drawing\" & more".into(),
        ..Drawing::new(vec![Row::new(100.0, vec![panel])])
    };
    let svg = drawing.svg();
    assert_eq!(svg, drawing.svg());
    assert!(svg.starts_with("<svg xmlns") && svg.contains("viewBox=\"0 0 900 ") && !svg.contains(" id="));
    assert!(
        svg.contains("aria-label=\"a &quot;drawing&quot; &amp; more\"") && svg.contains("&lt;brackets&gt;")
    );
    assert!(
        svg.contains("sans-serif") && !svg.contains("NaN") && !svg.contains("inf") && svg.contains("$x$")
    );
    let png = drawing.png(2.0).unwrap();
    assert!(png.starts_with(b"\x89PNG") && png == drawing.png(2.0).unwrap());
    assert_eq!(u32::from_be_bytes(png[16..20].try_into().unwrap()), 1800);
    assert!(drawing.png(1e6).is_err() && drawing.png(f64::NAN).is_err());
}
