//! How well every strength of a penalty predicts bins that were not fitted.

use super::{Axis, Dash, Drawing, Figure, Legend, Mark, Panel, Role, Style};

/// One target's curve.
#[derive(Clone, Debug)]
pub struct CurvePanel {
    /// The target.
    pub target: String,
    /// The strengths, ascending.
    pub strengths: Vec<f64>,
    /// Mean log-likelihood per held-out bin; what is not finite is a gap.
    pub scores: Vec<f64>,
    /// Its standard error.
    pub standard_errors: Vec<f64>,
    /// The strength with the best score.
    pub best: usize,
    /// The largest within one standard error of the best.
    pub one_se: usize,
}

/// One panel per target; `None` without panels.
pub fn cross_validation(panels: &[CurvePanel], n_folds: usize, penalty: &str, note: &str) -> Option<Figure> {
    if panels.is_empty() {
        return None;
    }
    let drawn = panels.iter().map(|own| panel(own, penalty)).collect();
    let mut drawing = Drawing::grid(drawn, if panels.len() == 1 { 1 } else { 2 }, 260.0);
    drawing.description = "Score on held-out bins against the strength of the penalty".into();
    let caption = format!(
        "Log-likelihood per bin that was not fitted, the mean over {n_folds} folds and its standard error on each \
         side, for every strength of the {penalty} penalty. Dashed: the strength with the best mean; dotted: the largest \
         whose mean is within one standard error of it.{note}"
    );
    Some(Figure { name: "cross_validation".into(), title: "Cross-validation".into(), caption, drawing })
}

fn panel(own: &CurvePanel, penalty: &str) -> Panel {
    let edge = |sign: f64| -> Vec<f64> {
        own.scores.iter().zip(&own.standard_errors).map(|(score, error)| score + sign * error).collect()
    };
    let x = || own.strengths.clone();
    let style = Style::of(Role::Model(0));
    let at = |k: usize, dash: Dash, label: &str| Mark::Moment {
        x: own.strengths[k],
        style: Style::of(Role::Reference).dash(dash).label(label),
    };
    Panel::new(
        Axis::new(format!("strength of {penalty}"), "").log(),
        Axis::new("held-out log-likelihood", "per bin"),
    )
    .title(&own.target)
    .legend(Legend::Above)
    .with(at(own.best, Dash::Long, "best"))
    .with(at(own.one_se, Dash::Dotted, "one standard error"))
    .with(Mark::Whiskers { x: x(), low: edge(-1.0), high: edge(1.0), style: style.clone() })
    .with(Mark::Line { x: x(), y: own.scores.clone(), style: style.clone() })
    .with(Mark::Points { x: x(), y: own.scores.clone(), style: style.width(3.0) })
}
