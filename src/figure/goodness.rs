//! Goodness of fit: the distribution of rescaled intervals, and the correlation of residuals over time.

use super::{Axis, Dash, Drawing, Figure, Mark, Panel, Role, Row, Style};

/// Corners of a distribution beyond which it is drawn in steps of one over this.
const MOST_CORNERS: usize = 1500;

/// Both tests of one target.
#[derive(Clone, Debug)]
pub struct GoodnessRow {
    /// The target.
    pub target: String,
    /// The models: the fit first.
    pub models: Vec<GoodnessModel>,
    /// Half the width of the 95 % band around the diagonal; NaN for too few intervals.
    pub ks_band: f64,
    /// Lags, in `lag_unit`.
    pub lags: Vec<f64>,
    /// Autocorrelation of the residuals of the fit at those lags.
    pub autocorrelation: Vec<f64>,
    /// Half the width of its 95 % band.
    pub band: Vec<f64>,
    /// `ms` or `bins`.
    pub lag_unit: String,
}

/// The distribution of one model.
#[derive(Clone, Debug)]
pub struct GoodnessModel {
    /// What the legend calls it.
    pub name: String,
    /// Corners of the cumulative distribution of the rescaled intervals: (z, fraction); empty for no line.
    pub distribution: Vec<[f64; 2]>,
    /// Largest distance from the diagonal.
    pub statistic: f64,
    /// Intervals.
    pub n: usize,
}

/// A row of two panels per entry; `None` without entries.
pub fn goodness(rows: &[GoodnessRow], note: &str) -> Option<Figure> {
    if rows.is_empty() {
        return None;
    }
    let drawn = |row: &GoodnessRow| Row {
        panels: [distribution(row), correlation(row)].into_iter().flatten().collect(),
        height_px: 300.0,
        n_places: 2,
    };
    let mut drawing = Drawing::new(rows.iter().map(drawn).collect());
    drawing.description = "Time-rescaling KS plot and autocorrelation of the residuals".into();
    let caption = format!(
        "Left: intervals between events, measured in expected events and rescaled to lie between 0 and 1: under the \
         right model their cumulative distribution is the diagonal, and stays within the grey band in 95 of 100 cases. \
         D is the largest distance from the diagonal, beside it half the height of the band, n the number of intervals; \
         the width of bins is allowed for. Right: correlation of \
         the Pearson residuals of the fit with those some time later; under the right model 95 of 100 stay within the \
         band.{note}"
    );
    let title = "Goodness of fit".into();
    Some(Figure { name: "goodness".into(), title, caption, drawing })
}

fn distribution(row: &GoodnessRow) -> Option<Panel> {
    let fit = row.models.first()?;
    let title = if row.ks_band.is_finite() {
        let sign = if fit.statistic <= row.ks_band { '<' } else { '>' };
        format!("{}: D = {:.3} {sign} {:.3}, n = {}", row.target, fit.statistic, row.ks_band, fit.n)
    } else {
        format!("{}: too few intervals (n = {})", row.target, fit.n)
    };
    let steps: Vec<f64> = (0..=100).map(|k| f64::from(k) / 100.0).collect();
    let edge = |sign: f64| steps.iter().map(|z| (z + sign * row.ks_band).clamp(0.0, 1.0)).collect();
    let band = Mark::Band {
        x: steps.clone(),
        low: edge(-1.0),
        high: edge(1.0),
        style: Style::of(Role::Shade).opacity(0.35).label("95 % band"),
    };
    let diagonal = Style::of(Role::Reference).dash(Dash::Short).width(1.0);
    let x = Axis::new("rescaled interval", "").range(0.0, 1.0);
    let y = Axis::new("cumulative fraction", "").range(0.0, 1.0);
    let mut drawn = Panel::new(x, y).title(title);
    if row.ks_band.is_finite() {
        drawn = drawn.with(band);
    }
    drawn = drawn.with(Mark::Line { x: vec![0.0, 1.0], y: vec![0.0, 1.0], style: diagonal });
    for (k, model) in row.models.iter().enumerate().rev().filter(|(_, model)| !model.distribution.is_empty())
    {
        let (x, y) = thinned(&model.distribution);
        let label = if row.models.len() > 1 { model.name.clone() } else { String::new() };
        drawn = drawn.with(Mark::Line { x, y, style: Style::of(Role::Model(k)).width(2.0).label(label) });
    }
    Some(drawn)
}

/// The corners, thinned where there are more than can be seen.
fn thinned(corners: &[[f64; 2]]) -> (Vec<f64>, Vec<f64>) {
    let step = corners.len().div_ceil(MOST_CORNERS).max(1);
    let last = corners.len() - 1;
    corners.iter().enumerate().filter(|(k, _)| k % step == 0 || *k == last).map(|(_, c)| (c[0], c[1])).unzip()
}

fn correlation(row: &GoodnessRow) -> Option<Panel> {
    row.lags.last()?;
    let negative: Vec<f64> = row.band.iter().map(|band| -band).collect();
    let zero = vec![0.0; row.lags.len()];
    let low: Vec<f64> = row.autocorrelation.iter().map(|r| r.min(0.0)).collect();
    let high: Vec<f64> = row.autocorrelation.iter().map(|r| r.max(0.0)).collect();
    let band = Mark::Band {
        x: row.lags.clone(),
        low: negative,
        high: row.band.clone(),
        style: Style::of(Role::Shade).opacity(0.35),
    };
    let style = Style::of(Role::Model(0));
    let panel = Panel::new(Axis::new("lag", &row.lag_unit), Axis::new("autocorrelation of residuals", ""))
        .title(format!("{}: residuals", row.target))
        .with(band)
        .with(Mark::Line {
            x: row.lags.clone(),
            y: zero,
            style: Style::of(Role::Reference).dash(Dash::Solid).width(1.0),
        })
        .with(Mark::Whiskers { x: row.lags.clone(), low, high, style: style.clone().width(1.2) })
        .with(Mark::Points { x: row.lags.clone(), y: row.autocorrelation.clone(), style: style.width(1.8) });
    Some(panel)
}
