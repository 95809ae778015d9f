//! Couplings between units: a heat map with a row for each unit that is acted on and a column for each that acts.

use super::{
    Axis, Colours, Drawing, Effects, Figure, Legend, Mark, Panel, Role, Row, Style, Ticks, sum_of_effects,
};

/// Height of a panel, pixels.
const HEIGHT: f64 = 300.0;

/// One matrix.
#[derive(Clone, Debug)]
pub struct CouplingPanel {
    /// What the numbers are: the feature.
    pub title: String,
    /// The units that are acted on, from top to bottom.
    pub receiving: Vec<String>,
    /// Which units these are, if the rows are classes of their labels; else empty.
    pub units: Vec<String>,
    /// The units that act, from left to right.
    pub sending: Vec<String>,
    /// Areas of the filters, linear predictor times milliseconds, row by row; NaN where the model has none.
    pub area_ms: Vec<f64>,
}

/// Rows of matrices, each row with one scale of colours; `None` without one.
///
/// The scale is that of pairs of different units: what a unit does to itself is often much larger, and has the colour of the end.
pub fn couplings(rows: &[Vec<CouplingPanel>], effects: impl Into<Effects>, note: &str) -> Option<Figure> {
    let effects = effects.into();
    if rows.iter().all(Vec::is_empty) {
        return None;
    }
    let row = |panels: &Vec<CouplingPanel>| {
        let largest = panels.iter().map(largest).fold(0.0, f64::max);
        let panels = panels.iter().map(|own| panel(own, largest, effects)).collect();
        Row { n_places: 2, ..Row::new(HEIGHT, panels) }
    };
    let drawing = Drawing::new(rows.iter().map(row).collect());
    let rows = match effects {
        Effects::Of(_) => "each other (rows)",
        Effects::OfClass | Effects::OfClassAndShift => "each class of the labels of a unit (rows)",
    };
    let own = match effects {
        Effects::Of(_) => ", on the diagonal,",
        Effects::OfClass | Effects::OfClassAndShift => "",
    };
    let caption = format!(
        "Area under the filter from each unit (columns) to {rows}: how much a spike changes {}, summed over the \
         lags and times the width of a bin. Blue lowers, vermilion raises. The scale is that of different units: a unit's own \
         past{own} may lie beyond its ends.{note}",
        sum_of_effects(effects)[1]
    );
    Some(Figure::new("couplings", "Couplings between units", caption, drawing))
}

/// The largest number of different units, of all where there is no other.
fn largest(panel: &CouplingPanel) -> f64 {
    let n = panel.sending.len().max(1);
    let of = |is_counted: &dyn Fn(usize, usize) -> bool| {
        let cells = panel.area_ms.iter().enumerate().filter(|(k, _)| is_counted(k / n, k % n));
        cells.map(|(_, area)| area.abs()).filter(|area| area.is_finite()).fold(0.0, f64::max)
    };
    let units = if panel.units.is_empty() { &panel.receiving } else { &panel.units };
    let others = of(&|row, column| units.get(row) != panel.sending.get(column));
    if others > 0.0 { others } else { of(&|_, _| true) }
}

fn panel(own: &CouplingPanel, largest: f64, effects: Effects) -> Panel {
    let edges = |names: &[String]| (0..=names.len()).map(|k| k as f64).collect::<Vec<f64>>();
    let ticks = |names: &[String]| {
        Ticks::Named(names.iter().enumerate().map(|(k, name)| (k as f64 + 0.5, name.clone())).collect())
    };
    let mut bar = Axis::new(format!("{} × time", sum_of_effects(effects)[0]), "ms");
    if largest > 0.0 {
        bar = bar.range(-largest, largest);
    }
    let receiving = match effects {
        Effects::Of(_) => "receiving unit",
        Effects::OfClass | Effects::OfClassAndShift => "receiving unit=class",
    };
    let is_missing = own.area_ms.iter().any(|area| !area.is_finite());
    let style = Style::of(Role::Shade).width(1.0).label(if is_missing { "no estimate" } else { "" });
    let cells = Mark::Cells {
        x: edges(&own.sending),
        y: edges(&own.receiving),
        values: own.area_ms.clone(),
        colours: Colours::diverging(bar),
        style,
    };
    Panel::new(
        Axis::new("sending unit", "").ticks(ticks(&own.sending)),
        Axis::new(receiving, "").range(own.receiving.len() as f64, 0.0).ticks(ticks(&own.receiving)),
    )
    .title(&own.title)
    .legend(Legend::Above)
    .with(cells)
}
