//! The figure of surfaces over two values.

use std::fmt::Write;

use super::learned::no_estimate;
use super::statistics::{MOST_TARGETS, busiest_and, title, unquoted};
use super::unit::scaled_unit;
use crate::Result;
use crate::cli::fit::Fitting;
use crate::cli::surfaces::{Surface, surfaces};
use crate::features::{Signal, Term};
use crate::figure::Figure;
use crate::figure::surface::{SurfacePanel, surface};
use crate::read::nwb;

/// Most panels.
const MOST_PANELS: usize = 8;

/// The figure; `None` without a product of two evaluated bases.
pub(super) fn of(fitting: &Fitting) -> Result<Option<Figure>> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (targets, mut note) = busiest_and(data, MOST_TARGETS, "tables/surfaces.csv has all.");
    let is_drawn = |own: &Surface| targets.contains(&own.target) && own.values.iter().any(|v| *v != 0.0);
    let mut found: Vec<Surface> = surfaces(fitting)?.into_iter().filter(is_drawn).collect();
    if found.len() > MOST_PANELS {
        let n = found.len();
        found.truncate(MOST_PANELS);
        let _ = write!(note, " The first {MOST_PANELS} of {n}; tables/surfaces.csv has all.");
    }
    if found.is_empty() {
        return Ok(None);
    }
    let file = nwb::open(&data.input.path)?;
    let unit = |term: &Term| match &term.signal {
        Signal::Series { name, .. } => Ok(scaled_unit(&file.series(name)?.facts().unit, term.scale)),
        _ => Ok("spike".into()),
    };
    let mut panels = Vec::with_capacity(found.len());
    for own in found {
        let units = data.features[own.feature].spec.terms().map(&unit).collect::<Result<Vec<String>>>()?;
        let [one, other] = own.channels.each_ref().map(|channel| unquoted(channel));
        let channels = format!("{one} x {other}");
        let several = data.names.len() > 1;
        let [x, y] = own.edges;
        panels.push(SurfacePanel {
            title: if several { format!("{}: {channels}", title(data, own.target)) } else { channels },
            x_axis: [one, units[0].clone()],
            y_axis: [other, units[1].clone()],
            x,
            y,
            values: own.values.t().iter().copied().collect(),
            feature: own.feature,
            no_estimate: no_estimate(fit.targets[own.target].status).into(),
        });
    }
    Ok(surface(&panels, fitting.effects(), &note))
}
