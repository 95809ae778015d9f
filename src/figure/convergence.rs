//! The way to the optimum: both numbers of the certificate after every step.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Style, Ticks};

/// Targets that the legend names.
const NAMED: usize = 6;
/// A zero is drawn this much below the smallest number above zero.
const BELOW: f64 = 0.1;

/// One target's way.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The target.
    pub target: String,
    /// Steps taken.
    pub iterations: Vec<f64>,
    /// Loss gap over `max(|loss|, mean y)`.
    pub loss_gap: Vec<f64>,
    /// The optimality residual.
    pub kkt_residual: Vec<f64>,
}

/// Two panels: the relative loss gap with `tolerance`, the residual with its square root; `None` without descents.
pub fn convergence(descents: &[Descent], tolerance: f64, note: &str) -> Option<Figure> {
    if descents.is_empty() {
        return None;
    }
    let gaps = panel("loss gap / loss", descents, |descent| &descent.loss_gap, tolerance);
    let residuals = panel("KKT residual", descents, |descent| &descent.kkt_residual, tolerance.sqrt());
    let mut drawing = Drawing::grid(vec![gaps, residuals], 2, 280.0);
    drawing.description =
        "Loss gap and KKT residual after every step of the solver, on a logarithmic axis".into();
    let caption = format!(
        "Both numbers of the certificate after every step: how much the loss exceeds its minimum by the solver's \
         estimate, relative to the loss, and the largest component of the gradient relative to the terms that it is \
         the sum of. The last points are the certificate. A target has converged when both are below the dashed lines. \
         A number of 0 is drawn at the lower end.{note}"
    );
    Some(Figure { name: "convergence".into(), title: "Convergence".into(), caption, drawing })
}

fn panel(label: &str, descents: &[Descent], of: impl Fn(&Descent) -> &Vec<f64>, limit: f64) -> Panel {
    let positive = descents.iter().flat_map(&of).copied().filter(|x| *x > 0.0 && x.is_finite());
    let floor = BELOW * positive.fold(limit, f64::min);
    let longest = descents.iter().flat_map(|descent| &descent.iterations).copied().fold(1.0, f64::max);
    let x = Axis::new("iteration", "").range(0.0, longest).ticks(Ticks::whole(0.0, longest));
    let style = Style::of(Role::Reference).label("tolerance");
    let mut drawn = Panel::new(x, Axis::new(label, "").log()).with(Mark::Level { y: limit, style });
    let few = descents.len() <= NAMED;
    for (k, descent) in descents.iter().enumerate() {
        let role = if few { Role::Model(k) } else { Role::Ramp(k as f64 / (descents.len() - 1) as f64) };
        let named = few && descents.len() > 1;
        let style = Style::of(role).label(if named { descent.target.clone() } else { String::new() });
        let y: Vec<f64> = of(descent).iter().map(|y| if *y <= 0.0 { floor } else { *y }).collect();
        let points = Style::of(role).width(2.6);
        drawn = drawn
            .with(Mark::Line { x: descent.iterations.clone(), y: y.clone(), style })
            .with(Mark::Points { x: descent.iterations.clone(), y, style: points });
    }
    drawn
}
