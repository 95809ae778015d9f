//! Which columns stay on a device, which are computed there in every pass, and which are sent again.
//!
//! A device has memory of its own, of which nobody says how much: a limit stands for it. Convolved columns are built there from
//! their channels, so that only these travel. What is written out costs its bytes in every pass, what is not costs
//! arithmetic: of several targets the columns themselves, of one target products with its filters. What comes from elsewhere
//! and does not fit is sent again in every pass, at the speed of the way there.

use super::form::PASSES;
use super::{Convolved, DesignPlan, Form, Values};
use crate::backend::{Costs, Home, TRANSFORMED_LAGS};

/// Bytes of a number.
const BYTES: u64 = 4;
/// Numbers of a row come in vectors of so many.
const VECTOR: usize = 4;
/// Bytes for each event, which is there in two orders, and for the places of a row and a position.
const EVENT_BYTES: u64 = 20;
const PLACE_BYTES: u64 = 8;
/// Operations of transforms for each row and channel, about.
const TRANSFORM_FLOP: f64 = 500.0;

/// What a pass over columns costs on a device, and what it costs to bring them there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceWork {
    /// Bytes that are sent once.
    pub sent_bytes: f64,
    /// Operations that are done once.
    pub made_flop: f64,
    /// Bytes that every pass reads.
    pub read_bytes: f64,
    /// Operations of every pass beside products with a matrix.
    pub flop: f64,
    /// Bytes that are sent again in every pass.
    pub resent_bytes: f64,
}

impl DesignPlan<'_> {
    /// Whether all columns together fit on a device.
    pub(super) fn fits_written(&self, costs: &Costs) -> bool {
        let needed: u64 = self.sources.iter().map(|source| self.device_bytes(source, Form::Written)).sum();
        let Home::Device { most_bytes } = costs.home else { return true };
        needed <= self.limit_bytes.map_or(most_bytes, |limit| limit.min(most_bytes))
    }

    pub(super) fn forms_on_device(&self, n_targets: usize, costs: &Costs, most_bytes: u64) -> Vec<Form> {
        let mut kept = 0;
        let mut forms = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let fits = |form: Form| kept + self.device_bytes(source, form) <= most_bytes;
            let form = match source {
                Values::Convolved(x) if Self::can_be_free(x) && n_targets == 1 => {
                    let seconds = |form: Form| {
                        let work = self.work_of(source, form);
                        let pass = work.read_bytes / costs.speeds.read_bytes_per_s
                            + work.flop / costs.speeds.product_flop_per_s;
                        PASSES * pass + work.made_flop / costs.speeds.product_flop_per_s
                    };
                    let is_faster = seconds(Form::Written) <= seconds(Form::MatrixFree);
                    if is_faster && fits(Form::Written) { Form::Written } else { Form::MatrixFree }
                }
                _ if fits(Form::Written) => Form::Written,
                _ => Form::Rewritten,
            };
            kept += self.device_bytes(source, form);
            forms.push(form);
        }
        forms
    }

    /// Bytes that stay on a device.
    pub(super) fn device_bytes(&self, source: &Values, form: Form) -> u64 {
        match (form, source) {
            (Form::Written, _) => (self.rows.len() * source.ncols().next_multiple_of(VECTOR)) as u64 * BYTES,
            (_, Values::Convolved(x)) if Self::can_be_free(x) => self.channel_bytes(x),
            _ => 0,
        }
    }

    /// Bytes of channels on a device.
    fn channel_bytes(&self, x: &Convolved) -> u64 {
        let n_rows = self.rows.len() as u64;
        let places = n_rows * PLACE_BYTES;
        if x.is_of_events() {
            places + x.n_events() as u64 * EVENT_BYTES
        } else {
            places + x.channels().len() as u64 * n_rows * BYTES
        }
    }

    /// What one source costs on a device in this form.
    fn work_of(&self, source: &Values, form: Form) -> DeviceWork {
        let rows = self.rows.len() as f64;
        let matrix_bytes = self.device_bytes(source, Form::Written) as f64;
        let Values::Convolved(x) = source else {
            return match form {
                Form::Rewritten => DeviceWork { resent_bytes: matrix_bytes, ..DeviceWork::default() },
                _ => {
                    DeviceWork { sent_bytes: matrix_bytes, read_bytes: matrix_bytes, ..DeviceWork::default() }
                }
            };
        };
        if !Self::can_be_free(x) {
            // the host writes what the device cannot
            let own = DeviceWork { read_bytes: matrix_bytes, ..DeviceWork::default() };
            return match form {
                Form::Rewritten => DeviceWork { resent_bytes: matrix_bytes, ..own },
                _ => DeviceWork { sent_bytes: matrix_bytes, ..own },
            };
        }
        let taps = (x.channels().len() * x.lags().window_bins) as f64;
        let built = 2.0 * rows * taps * x.functions().ncols() as f64;
        let sent_bytes = self.channel_bytes(x) as f64;
        let products = if x.is_of_events() {
            4.0 * (x.n_events() * x.lags().window_bins) as f64
        } else if x.lags().window_bins >= TRANSFORMED_LAGS {
            rows * x.channels().len() as f64 * TRANSFORM_FLOP
        } else {
            4.0 * rows * taps
        };
        match form {
            Form::Written => {
                DeviceWork { sent_bytes, made_flop: built, read_bytes: matrix_bytes, ..DeviceWork::default() }
            }
            Form::MatrixFree => DeviceWork { sent_bytes, flop: products, ..DeviceWork::default() },
            // written and read once more
            Form::Rewritten => DeviceWork {
                sent_bytes,
                read_bytes: 2.0 * matrix_bytes,
                flop: built,
                ..DeviceWork::default()
            },
        }
    }

    /// What all sources cost on a device for so many targets; nothing in the memory of a host.
    pub fn device_work(&self, n_targets: usize, costs: &Costs) -> Option<DeviceWork> {
        let Home::Device { .. } = costs.home else { return None };
        let mut all = DeviceWork::default();
        for (source, form) in self.sources.iter().zip(self.forms(n_targets, costs)) {
            let own = self.work_of(source, form);
            all.sent_bytes += own.sent_bytes;
            all.made_flop += own.made_flop;
            all.read_bytes += own.read_bytes;
            all.flop += own.flop;
            all.resent_bytes += own.resent_bytes;
        }
        Some(all)
    }
}
