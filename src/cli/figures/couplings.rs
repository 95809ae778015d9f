//! The figure of the couplings between units.

use super::statistics::busiest_and;
use crate::Result;
use crate::cli::couplings::{self, Couplings, Truth};
use crate::cli::data::Data;
use crate::cli::fit::Fitting;
use crate::figure::Figure;
use crate::figure::couplings::{CouplingPanel, couplings as figure_of};

/// Units along each side.
const MOST_UNITS: usize = 64;
/// Features.
const MOST_FEATURES: usize = 2;

/// The figure; `None` for a single target, and without a feature of the spikes of several units.
pub(super) fn of(fitting: &Fitting) -> Result<Option<Figure>> {
    let data = &fitting.data;
    if data.names.len() < 2 {
        return Ok(None);
    }
    let (targets, note) = busiest_and(data, MOST_UNITS, "tables/couplings.csv has all.");
    let row = |fitted: &Couplings| {
        let shown = Shown::of(fitted, &targets, data);
        let own = shown.panel("fit", |target, unit| fitted.area_s[(target, unit)]);
        let truth = fitting.truth.as_ref().map(|truth: &Truth| {
            shown
                .panel("truth", |target, unit| truth.area_s(&fitted.receiving[target], &fitted.sending[unit]))
        });
        let title = |panel: CouplingPanel| CouplingPanel {
            title: format!("{}: {}", fitted.feature, panel.title),
            ..panel
        };
        [Some(own), truth].into_iter().flatten().map(title).collect()
    };
    let rows: Vec<Vec<CouplingPanel>> = couplings::of(fitting)?.iter().take(MOST_FEATURES).map(row).collect();
    Ok(figure_of(&rows, fitting.effects(), &note))
}

/// The units that have a row, and those that have a column.
struct Shown<'a> {
    fitted: &'a Couplings,
    receiving: &'a [usize],
    sending: Vec<usize>,
    data: &'a Data,
}

impl<'a> Shown<'a> {
    /// All senders, or of too many those that receive.
    fn of(fitted: &'a Couplings, receiving: &'a [usize], data: &'a Data) -> Self {
        let is_shown = |unit: &usize| {
            let name = &fitted.sending[*unit];
            fitted.sending.len() <= MOST_UNITS
                || receiving.iter().any(|&target| data.response_name(target) == name)
        };
        Self { fitted, receiving, sending: (0..fitted.sending.len()).filter(is_shown).collect(), data }
    }

    fn panel(&self, title: &str, area_s: impl Fn(usize, usize) -> f64) -> CouplingPanel {
        let of_target =
            |&target: &usize| self.sending.iter().map(|&unit| 1e3 * area_s(target, unit)).collect();
        let rows: Vec<Vec<f64>> = self.receiving.iter().map(of_target).collect();
        CouplingPanel {
            title: title.into(),
            receiving: self.receiving.iter().map(|&target| self.fitted.receiving[target].clone()).collect(),
            units: if self.data.is_of_classes() {
                self.receiving.iter().map(|&target| self.data.response_name(target).clone()).collect()
            } else {
                Vec::new()
            },
            sending: self.sending.iter().map(|&unit| self.fitted.sending[unit].clone()).collect(),
            area_ms: rows.concat(),
        }
    }
}
