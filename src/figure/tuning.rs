//! Tuning curves of the data against those of models.

use super::{Axis, Dash, Drawing, Figure, Mark, Panel, Role, Style};

/// The curves of one target over one series.
#[derive(Clone, Debug)]
pub struct TuningPanel {
    /// The series.
    pub series: String,
    /// Its unit; empty for none.
    pub unit: String,
    /// The target.
    pub target: String,
    /// Middles of the bins.
    pub centres: Vec<f64>,
    /// Events per second of occupancy; NaN in bins that are never visited.
    pub data_hz: Vec<f64>,
    /// The fit first.
    pub models: Vec<TuningModel>,
}

/// The curves of one model.
#[derive(Clone, Debug)]
pub struct TuningModel {
    /// What the legend calls it.
    pub name: String,
    /// Mean predicted rate; NaN in bins without a prediction.
    pub hz: Vec<f64>,
    /// Mean smoothed predicted rate.
    pub smoothed_hz: Vec<f64>,
}

/// One panel per entry, in rows of `n_columns`; `None` without panels.
pub fn tuning(panels: &[TuningPanel], n_columns: usize, note: &str) -> Option<Figure> {
    let one_series = panels.iter().all(|panel| panel.series == panels[0].series);
    let drawn: Vec<Panel> = panels.iter().map(|panel| panel_of(panel, one_series)).collect();
    let (height_px, smoothed) = (if drawn.len() == 1 { 340.0 } else { 230.0 }, any_smoothed(panels));
    let mut drawing = Drawing::grid(drawn, n_columns, height_px);
    if drawing.rows.is_empty() {
        return None;
    }
    drawing.description = "Tuning curves: rate over the value of a signal, data against models".into();
    let of_models = if smoothed {
        " Solid: mean of the predicted rate in the bins of the fit. Dashed: the same after the prediction is smoothed \
         (Gaussian, standard deviation 50 ms), as an observed rate would be."
    } else {
        " Lines: mean of the predicted rate in the bins of the fit."
    };
    let caption = format!(
        "Black: events per second of the time that the signal spent in each of its bins.{of_models} A gap is a bin that \
         the signal never visits, or where no bin of the fit falls.{note}"
    );
    Some(Figure { name: "tuning".into(), title: "Tuning curves".into(), caption, drawing })
}

fn any_smoothed(panels: &[TuningPanel]) -> bool {
    let mut models = panels.iter().flat_map(|panel| &panel.models);
    models.any(|model| model.smoothed_hz.iter().any(|hz| hz.is_finite()))
}

fn panel_of(panel: &TuningPanel, one_series: bool) -> Panel {
    let x = Axis::new(&panel.series, &panel.unit);
    let title = if one_series { panel.target.clone() } else { format!("{}: {}", panel.target, panel.series) };
    let mut drawn = Panel::new(x, Axis::new("rate", "Hz").from_zero())
        .title(title)
        .with(line(&panel.centres, &panel.data_hz, Style::of(Role::Data).label("data")))
        .with(points(&panel.centres, &panel.data_hz, Style::of(Role::Data).width(3.2)));
    for (k, model) in panel.models.iter().enumerate() {
        let own = Style::of(Role::Model(k));
        let style = own.clone().dash(Dash::Solid).label(&model.name);
        drawn = drawn.with(line(&panel.centres, &model.hz, style));
        // a value between two gaps would not be seen as a line
        drawn = drawn.with(points(&panel.centres, &model.hz, own.clone().width(2.2)));
        if model.smoothed_hz.iter().any(|hz| hz.is_finite()) {
            let style = own.dash(Dash::Short).opacity(0.6).label(format!("{}, smoothed", model.name));
            drawn = drawn.with(line(&panel.centres, &model.smoothed_hz, style));
        }
    }
    drawn
}

fn line(x: &[f64], y: &[f64], style: Style) -> Mark {
    Mark::Line { x: x.to_vec(), y: y.to_vec(), style }
}

fn points(x: &[f64], y: &[f64], style: Style) -> Mark {
    Mark::Points { x: x.to_vec(), y: y.to_vec(), style }
}
