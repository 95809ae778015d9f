//! Which columns are written out and which are computed in every pass.

use super::{Convolved, DesignPlan, Values};
use crate::backend::cpu::MOST_WRITTEN_OUT;
use crate::backend::cpu::convolution::transforms::block_rows;
use crate::backend::{Costs, Home};
use crate::{Error, Result};

/// Bytes of a number that is kept in both precisions, `f32` and `f64`.
const BYTES: u64 = 12;
/// Passes in single precision of an ordinary fit.
pub(super) const PASSES: f64 = 10.0;

/// How the columns of a source are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Written out, or read where they lie.
    Written,
    /// Computed from their channels in every pass.
    MatrixFree,
    /// Written again, tile by tile, in every pass.
    Rewritten,
}

impl Form {
    /// The words for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "written out",
            Self::MatrixFree => "matrix-free",
            Self::Rewritten => "written again in every pass",
        }
    }
}

/// How a source is placed, and what that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its number.
    pub source: usize,
    /// Its columns.
    pub n_columns: usize,
    /// Its form.
    pub form: Form,
    /// Bytes that its columns take where they are written out: in both precisions, or on the device.
    pub n_bytes: u64,
    /// Bytes of the same kind that stay for the fit: the columns, or spectra, samples, or events in the order of products.
    pub n_bytes_kept: u64,
}

impl DesignPlan<'_> {
    /// How the columns of source number `source` are placed for so many targets on a backend with these costs.
    ///
    /// In the memory of the host only convolved and evaluated columns have a choice. What fits into cache is written out.
    /// Convolved columns of one target: by the estimated time of a fit. Several targets share the products with what is
    /// written; these columns, and evaluated ones, which cost far more to compute than to read, are computed again only if they
    /// would not fit into memory. On a device whatever does not fit is not kept there, a matrix neither: it is sent again in
    /// every pass. The choice depends on sizes, the limits, the level of vector instructions and the speeds alone; forms that
    /// were given ([`DesignPlan::with_forms`]) are taken as they are, by the backend that they are for.
    ///
    /// # Panics
    /// If there is no such source.
    pub fn form(&self, source: usize, n_targets: usize, costs: &Costs) -> Form {
        self.forms(n_targets, costs)[source]
    }

    /// The forms of all sources: what is kept of one leaves less memory to the next.
    pub(super) fn forms(&self, n_targets: usize, costs: &Costs) -> Vec<Form> {
        if let Some(forms) = self.given_forms(costs) {
            return forms.to_vec();
        }
        if let Home::Device { most_bytes } = costs.home {
            let most_bytes = self.limit_bytes.map_or(most_bytes, |limit| limit.min(most_bytes));
            return self.forms_on_device(n_targets, costs, most_bytes);
        }
        let mut kept = 0;
        let mut forms = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let fits = |n_bytes: u64| self.limit_bytes.is_none_or(|limit| kept + n_bytes <= limit);
            let form = self.form_of(source, n_targets, costs, &fits);
            kept += self.kept_bytes(source, form, BYTES);
            forms.push(form);
        }
        forms
    }

    fn form_of(&self, source: &Values, n_targets: usize, costs: &Costs, fits: &dyn Fn(u64) -> bool) -> Form {
        let is_computed = matches!(source, Values::Convolved(_) | Values::Evaluated(_));
        if !is_computed || self.rows.len() * source.ncols() <= MOST_WRITTEN_OUT {
            return Form::Written;
        }
        let fits_written = fits(self.kept_bytes(source, Form::Written, BYTES));
        let unless_written = |form: Form| if fits_written { Form::Written } else { form };
        let Values::Convolved(x) = source else { return unless_written(Form::Rewritten) };
        if n_targets > 1 || !Self::can_be_free(x) || (x.is_of_samples() && self.is_scattered(x)) {
            return unless_written(Form::Rewritten);
        }
        let speeds = self.speeds.unwrap_or(costs.speeds);
        let cost = x.cost(costs.level, &speeds);
        // both precisions, the second twice as wide; without the matrix its magnitudes need it once
        let written = 3.0 * cost.write + PASSES * speeds.value_ns * x.n_columns() as f64;
        let free = PASSES * cost.evaluate + 2.0 * cost.rewrite;
        if fits_written && written <= free {
            Form::Written
        } else if fits(self.kept_bytes(source, Form::MatrixFree, BYTES)) {
            Form::MatrixFree
        } else {
            unless_written(Form::Rewritten)
        }
    }

    /// Whether channels are all events or all samples, which is what evaluating without columns takes.
    pub(super) fn can_be_free(x: &Convolved) -> bool {
        x.is_of_events() || x.is_of_samples()
    }

    /// The forms that a source can have for so many targets, in the memory of a host or on a device.
    ///
    /// # Panics
    /// If there is no such source.
    pub fn possible_forms(&self, source: usize, n_targets: usize, home: Home) -> &'static [Form] {
        match (&self.sources[source], home) {
            (Values::Convolved(x), _) if n_targets == 1 && Self::can_be_free(x) => {
                &[Form::Written, Form::MatrixFree, Form::Rewritten]
            }
            (Values::Convolved(_) | Values::Evaluated(_), _) | (_, Home::Device { .. }) => {
                &[Form::Written, Form::Rewritten]
            }
            _ => &[Form::Written],
        }
    }

    /// The forms that were given for such a backend.
    fn given_forms(&self, costs: &Costs) -> Option<&[Form]> {
        self.forms.iter().find(|(backend, _)| *backend == costs.backend).map(|(_, forms)| forms.as_slice())
    }

    /// Whether forms that were given are those of these sources.
    pub(super) fn check_forms(&self, n_targets: usize, costs: &Costs) -> Result<()> {
        let Some(forms) = self.given_forms(costs) else { return Ok(()) };
        let help = "leave the forms to the plan, or take one of possible_forms for each source";
        if forms.len() != self.sources.len() {
            let (expected, found) = (self.sources.len().to_string(), forms.len().to_string());
            return Err(Error::argument("forms", format!("{expected}, one for each source"), found, help));
        }
        for (source, form) in forms.iter().enumerate() {
            if !self.possible_forms(source, n_targets, costs.home).contains(form) {
                let expected = format!("forms that `{}` can have", self.name_of(source));
                return Err(Error::argument("forms", expected, form.name(), help));
            }
        }
        Ok(())
    }

    /// Bytes that stay for the fit, with so many for each number of a matrix or spectrum.
    fn kept_bytes(&self, source: &Values, form: Form, bytes_per_number: u64) -> u64 {
        match (form, source) {
            (Form::Written, _) => (self.rows.len() * source.ncols()) as u64 * bytes_per_number,
            (Form::MatrixFree, Values::Convolved(x)) if x.is_of_events() => x.event_bytes(),
            (Form::MatrixFree, Values::Convolved(x)) => x.spectra_numbers(&self.rows) * bytes_per_number,
            _ => 0,
        }
    }

    /// Whether some columns are computed by transforms of blocks of rows: then a few rows cost as much as many.
    pub fn has_blocks(&self, n_targets: usize, costs: &Costs) -> bool {
        let is_of_samples =
            |source: usize| matches!(&self.sources[source], Values::Convolved(x) if x.is_of_samples());
        let unwritten = self.unwritten(n_targets, costs);
        unwritten.iter().any(|own| own.form == Form::MatrixFree && is_of_samples(own.source))
    }

    /// Whether transforms of blocks of the used rows would transform more gaps than rows.
    pub(super) fn is_scattered(&self, x: &Convolved) -> bool {
        self.rows.are_scattered(block_rows(x.lags().window_bins))
    }

    /// How every source is placed for so many targets.
    pub fn placements(&self, n_targets: usize, costs: &Costs) -> Vec<Placement> {
        let forms = self.forms(n_targets, costs).into_iter().enumerate();
        let kept = |values: &Values, form: Form| match costs.home {
            Home::Host => self.kept_bytes(values, form, BYTES),
            Home::Device { .. } => self.device_bytes(values, form),
        };
        let of_source = |(source, form): (usize, Form)| {
            let values = &self.sources[source];
            let (n_bytes, n_bytes_kept) = (kept(values, Form::Written), kept(values, form));
            Placement { source, n_columns: values.ncols(), form, n_bytes, n_bytes_kept }
        };
        forms.map(of_source).collect()
    }

    /// The sources that are not written out for so many targets.
    pub fn unwritten(&self, n_targets: usize, costs: &Costs) -> Vec<Placement> {
        self.placements(n_targets, costs).into_iter().filter(|own| own.form != Form::Written).collect()
    }

    /// Columns that are not written out for so many targets.
    pub fn n_unwritten(&self, n_targets: usize, costs: &Costs) -> usize {
        self.unwritten(n_targets, costs).iter().map(|own| own.n_columns).sum()
    }

    /// Bytes of the host that a fit of so many targets keeps of the columns, in numbers of a backend that are there and in
    /// `f64`: those that are written out, and what stands for the others.
    pub fn needed_bytes(&self, n_targets: usize, bytes_per_value: usize, costs: &Costs) -> u64 {
        let is_single = matches!(self.sources.as_slice(), [Values::F32(_)]);
        if is_single && self.is_read_in_place() {
            return 0;
        }
        let f64_bytes = size_of::<f64>();
        let (costs, both) = match costs.home {
            Home::Host if bytes_per_value < f64_bytes => (*costs, bytes_per_value + f64_bytes),
            Home::Host => (*costs, bytes_per_value),
            // the last steps are the CPU's
            Home::Device { .. } => (Costs::of_cpu(costs.level), f64_bytes),
        };
        let forms = self.forms(n_targets, &costs);
        self.sources.iter().zip(forms).map(|(source, form)| self.kept_bytes(source, form, both as u64)).sum()
    }
}
