//! [`Stretch`]: what was applied, what was seen and what was predicted in one interval of time, as panels.

use super::{Axis, Mark, Panel, Role, Row, Style, Ticks};

/// One interval of a recording, as plain numbers.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// Start and stop, seconds.
    pub range_s: [f64; 2],
    /// Times between epochs inside, seconds: shaded.
    pub gaps_s: Vec<[f64; 2]>,
    /// Signals, one row of panels each.
    pub stimuli: Vec<Stimulus>,
    /// Spike times of each unit, seconds.
    pub raster: Vec<(String, Vec<f64>)>,
    /// Rates, one row of panels per target.
    pub rates: Vec<Rates>,
}

/// A signal with its columns.
#[derive(Clone, Debug, Default)]
pub struct Stimulus {
    /// What the axis calls it.
    pub label: String,
    /// Unit of its values.
    pub unit: String,
    /// Columns by name: times in seconds, values.
    pub columns: Vec<(String, Vec<f64>, Vec<f64>)>,
}

/// Observed and predicted rates of a target.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// The target as the axis calls it; empty where there is one only.
    pub target: String,
    /// Times in seconds and observed rate in Hz; of a class the part of the bins that are of it.
    pub observed: (Vec<f64>, Vec<f64>),
    /// Models by name, the fit first: times in seconds, rate in Hz; of a class its probability.
    pub models: Vec<(String, Vec<f64>, Vec<f64>)>,
    /// Whether the target is a class.
    pub of_class: bool,
}

/// Whether rates are probabilities of classes.
pub(super) fn are_of_classes(rates: &[Rates]) -> bool {
    rates.iter().any(|own| own.of_class)
}

impl Stretch {
    /// A sentence about the shaded parts, if there are any.
    pub(super) fn about_gaps(&self) -> &'static str {
        if self.gaps_s.is_empty() { "" } else { " What lies between epochs is shaded." }
    }
}

impl Stimulus {
    /// Its panel.
    pub(super) fn panel(&self, range_s: [f64; 2]) -> Panel {
        let mut panel = Panel::new(time(range_s), Axis::new(self.label.clone(), self.unit.clone()));
        for (k, (name, x, y)) in self.columns.iter().enumerate() {
            let style = Style::of(Role::Stimulus(k)).width(1.2);
            let style = if self.columns.len() > 1 { style.label(name.clone()) } else { style };
            panel = panel.with(Mark::Line { x: x.clone(), y: y.clone(), style });
        }
        panel
    }
}

impl Rates {
    /// Its panel; the smoothed data lie above the models.
    pub(super) fn panel(&self, x: Axis, unit: &str) -> Panel {
        let label = match (self.of_class, self.target.as_str()) {
            (true, target) => format!("P({target})"),
            (false, "") => "rate".into(),
            (false, target) => format!("rate of {target}"),
        };
        let unit = if self.of_class { "" } else { unit };
        let mut panel = Panel::new(x, Axis::new(label, unit).from_zero());
        let (x, y) = self.observed.clone();
        let observed = if self.of_class { "labels" } else { "observed" };
        panel = panel.with(Mark::Line { x, y, style: Style::of(Role::Data).label(observed) });
        for (k, (name, x, y)) in self.models.iter().enumerate() {
            let style = Style::of(Role::Model(k)).width(2.2).label(name.clone());
            panel = panel.with(Mark::Line { x: x.clone(), y: y.clone(), style });
        }
        panel
    }
}

/// The axis of time.
pub(super) fn time([start, stop]: [f64; 2]) -> Axis {
    Axis::new("time", "s").range(start, stop)
}

/// The spikes, a row of strokes per unit, the first one at the top.
pub(super) fn raster(units: &[(String, Vec<f64>)], range_s: [f64; 2]) -> Panel {
    let n = units.len() as f64;
    let place = |k: usize| n - 1.0 - k as f64;
    let ticks = match units.len() {
        0 | 1 => Ticks::Hidden,
        _ => Ticks::Named(units.iter().enumerate().map(|(k, (name, _))| (place(k), name.clone())).collect()),
    };
    let label = if units.len() > 1 { "unit" } else { "spikes" };
    let mut panel = Panel::new(time(range_s), Axis::new(label, "").range(-0.6, n - 0.4).ticks(ticks));
    for (k, (_, times)) in units.iter().enumerate() {
        let style = Style::of(Role::Data).width(1.2);
        panel = panel.with(Mark::Ticks { x: times.clone(), y: [place(k) - 0.4, place(k) + 0.4], style });
    }
    panel
}

/// Height of a raster, pixels.
pub(super) fn raster_height(n_units: usize) -> f64 {
    (18.0 * n_units as f64).clamp(46.0, 320.0)
}

/// Stretches side by side: signals, spikes and rates below each other.
pub(super) fn rows(stretches: &[Stretch], titles: &[String]) -> Vec<Row> {
    let Some(first) = stretches.first() else { return Vec::new() };
    let row = |height: f64, panel: &dyn Fn(&Stretch) -> Panel| {
        let with_gaps = |stretch: &Stretch| {
            let mut panel = panel(stretch);
            let gap = |x: &[f64; 2]| Mark::Span { x: *x, style: Style::of(Role::Shade).opacity(0.2) };
            panel.marks.splice(0..0, stretch.gaps_s.iter().map(gap));
            panel
        };
        Row::new(height, stretches.iter().map(with_gaps).collect())
    };
    let n = first.rates.len();
    let mut rows = Vec::new();
    for k in 0..first.stimuli.len() {
        rows.push(row(110.0, &|stretch| stretch.stimuli[k].panel(stretch.range_s)));
    }
    if !first.raster.is_empty() {
        rows.push(row(raster_height(first.raster.len()), &|stretch| {
            raster(&stretch.raster, stretch.range_s)
        }));
    }
    for k in 0..n {
        let height = if n == 1 { 190.0 } else { 120.0 };
        rows.push(row(height, &|stretch| stretch.rates[k].panel(time(stretch.range_s), "Hz")));
    }
    if let Some(row) = rows.first_mut() {
        row.panels.iter_mut().zip(titles).for_each(|(panel, title)| panel.title.clone_from(title));
    }
    rows
}
