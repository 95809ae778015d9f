//! A term of a feature: one signal and what is made of it.

use serde::{Deserialize, Serialize};

use super::block::{self, Channel};
use super::term_text::{quoted_column, quoted_name};
use super::{Causality, Resample, Window};
use crate::basis::{Basis, Composition, Domain, Expand, Identity, Range, Scale, Use};
use crate::design::{Course, EvaluatedChannel};
use crate::time::BinGrid;
use crate::{Error, Result};

/// A signal, a factor, and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The signal.
    pub signal: Signal,
    /// Multiplies the signal before anything else, so that coefficients have readable units.
    pub scale: f64,
    /// What is made of the scaled signal.
    pub expansion: Expansion,
}

/// Where a term's numbers come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Signal {
    /// A series of the recording, or one column of it.
    Series {
        /// Its key.
        name: String,
        /// Name or number of the column; all columns without it.
        column: Option<String>,
        /// How its samples become one value per bin; chosen by [`Resample::for_spacing`] without it.
        resample: Option<Resample>,
    },
    /// The target's own spikes.
    Spikes,
    /// The spikes of every unit, the target included, one channel each.
    Units,
    /// The spikes of every unit but the target, one channel each.
    UnitsOthers,
}

/// What is made of a signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expansion {
    /// The binned signal itself.
    Plain,
    /// A basis evaluated at the signal.
    Evaluated {
        /// The basis.
        basis: Basis,
        /// The range for every channel; taken from the data without it.
        range: Option<Range>,
        /// What the columns are in a bin where a channel lies outside its range; such a bin is an edge without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f64>,
    },
    /// A basis convolved with the signal.
    Convolved {
        /// The basis.
        basis: Basis,
        /// Length of the window in seconds.
        window_s: f64,
        /// The side on which the window lies.
        causality: Causality,
        /// Whether the window holds the present bin.
        include_present: bool,
    },
}

/// A term on a grid.
pub(super) struct BuiltTerm {
    /// What each channel is computed by.
    pub(super) channels: Vec<EvaluatedChannel>,
    /// Names of the functions of each channel.
    pub(super) labels: Vec<Vec<String>>,
    /// Rows without features by design.
    pub(super) edge: Vec<bool>,
    /// What takes each channel to its basis; empty without an evaluated one.
    pub(super) scales: Vec<Scale>,
    /// Whether a channel lies outside its range in a bin, filled ones included; empty where there is no range.
    pub(super) outside: Vec<bool>,
}

impl Signal {
    /// Names that mean something else than a series.
    pub const RESERVED: [&'static str; 3] = ["spikes", "units", "units-others"];

    /// Whether it is made of spikes instead of samples.
    pub fn is_of_units(&self) -> bool {
        !matches!(self, Self::Series { .. })
    }

    /// What people call it, the way of resampling left out: `stimulus`, `position[x]`, `spikes`.
    pub fn name(&self) -> String {
        match self {
            Self::Series { name, column: None, .. } => quoted_name(name),
            Self::Series { name, column: Some(column), .. } => {
                format!("{}[{}]", quoted_name(name), quoted_column(column))
            }
            Self::Spikes => "spikes".into(),
            Self::Units => "units".into(),
            Self::UnitsOthers => "units-others".into(),
        }
    }
}

fn fail<T>(expected: &str, found: String, help: &str) -> Result<T> {
    Err(Error::argument("feature", expected, found, help))
}

impl Term {
    /// Checks what no single part can know.
    ///
    /// # Errors
    /// [`Error::Argument`] for a factor that is 0 or not finite, a window that is not positive, an acausal window
    /// without the present bin, a basis that is not made for windows or for values, a fill value where no sample can be
    /// outside, and a term by which the present bin of the target would predict itself.
    pub fn check(&self) -> Result<()> {
        if !self.scale.is_finite() || self.scale == 0.0 {
            return fail("a factor other than 0", format!("*{}", self.scale), "write it like stimulus*1e12");
        }
        self.check_basis()?;
        if self.signal == Signal::UnitsOthers && matches!(self.expansion, Expansion::Evaluated { .. }) {
            let help = "add a window, as in units-others : raised-cosine-log(4, window=100ms)";
            return fail("a window for the basis of units-others", "a basis without one".into(), help);
        }
        let holds_target = matches!(self.signal, Signal::Spikes | Signal::Units);
        let sees_present = match self.expansion {
            Expansion::Plain | Expansion::Evaluated { .. } => true,
            Expansion::Convolved { window_s, causality, include_present, .. } => {
                if !window_s.is_finite() || window_s <= 0.0 {
                    return fail("a window above 0", format!("{window_s}s"), "write it like window=200ms");
                }
                causality.offset(include_present, 1)?;
                include_present
            }
        };
        if holds_target && sees_present {
            let name = self.signal.name();
            let help = match self.expansion {
                Expansion::Convolved { .. } => "use a causal window and leave out include-present",
                _ => "give a basis with a window, as in spikes : raised-cosine-log(8, window=100ms)",
            };
            return fail(
                "a window that leaves out the present bin, or the target would predict itself",
                format!("{name} in the present bin"),
                help,
            );
        }
        Ok(())
    }

    /// Whether the basis is made for what is made of it.
    fn check_basis(&self) -> Result<()> {
        match &self.expansion {
            Expansion::Convolved { basis, .. } if basis.usage() == Use::Evaluated => fail(
                "a basis that is made for windows",
                format!("{} with a window", basis.name()),
                "leave out window=, or use history, raised-cosine-log or bspline",
            ),
            Expansion::Evaluated { basis, .. } if basis.usage() == Use::Convolved => {
                let help = format!("add a window, as in {}(window=20ms)", basis.name());
                fail("a basis that is made for values", format!("{} without a window", basis.name()), &help)
            }
            Expansion::Plain | Expansion::Convolved { .. } | Expansion::Evaluated { fill: None, .. } => {
                Ok(())
            }
            Expansion::Evaluated { basis, range, fill: Some(fill) } => match basis.domain() {
                _ if !fill.is_finite() => {
                    fail("a fill value that is a number", fill.to_string(), "write it like fill=0")
                }
                Domain::Periodic => fail(
                    "no fill value",
                    format!("fill={fill} for a periodic basis"),
                    "remove fill=: no sample lies outside a period",
                ),
                Domain::Samples if range.is_none() => fail(
                    "a range beside the fill value",
                    format!("fill={fill}"),
                    "say which samples count, as in range=0:150, or remove fill=",
                ),
                _ => Ok(()),
            },
        }
    }

    /// The basis, if there is one.
    pub fn basis(&self) -> Option<&Basis> {
        match &self.expansion {
            Expansion::Plain => None,
            Expansion::Evaluated { basis, .. } | Expansion::Convolved { basis, .. } => Some(basis),
        }
    }

    /// Functions per channel on bins of `bin_s` seconds.
    ///
    /// # Errors
    /// Those of [`Window::from_duration`].
    pub fn n_functions(&self, bin_s: f64) -> Result<usize> {
        match &self.expansion {
            Expansion::Plain => Ok(1),
            Expansion::Evaluated { basis, .. } => Ok(basis.n_functions()),
            Expansion::Convolved { basis, window_s, .. } => {
                Ok(basis.n_functions_over(Window::from_duration(*window_s, bin_s)?.n_bins()))
            }
        }
    }

    /// Whether new data must be expanded on what was remembered of each channel.
    pub(super) fn remembers(&self) -> bool {
        match &self.expansion {
            Expansion::Evaluated { basis, range, .. } => basis.domain() != Domain::Samples || range.is_some(),
            _ => false,
        }
    }

    /// The scaled values of its channels, one per bin.
    pub(super) fn samples(&self, grid: &BinGrid, channels: Vec<Channel<Course>>) -> Result<Vec<Channel>> {
        let written = |c: Channel<Course>| -> Result<Channel> {
            if let Course::Events(_) = c.values {
                c.values.check(grid.n_bins())?;
            }
            Ok(Channel { label: c.label, values: c.values.into_values(grid.n_bins(), self.scale) })
        };
        channels.into_iter().map(written).collect()
    }

    /// The term on a grid from its channels, which are not scaled yet.
    ///
    /// # Errors
    /// Those of [`super::FeatureSpec::build`].
    pub(super) fn build(
        &self,
        grid: &BinGrid,
        name: &str,
        channels: Vec<Channel<Course>>,
        remembered: Option<&[Scale]>,
    ) -> Result<BuiltTerm> {
        match &self.expansion {
            Expansion::Plain => {
                let channels = self.samples(grid, channels)?;
                let labels = block::labels(grid, name, &channels, None)?;
                let bases = Composition::new(Identity {}, Scale::unbounded());
                let channel = |c: Channel| EvaluatedChannel { bases: bases.clone(), inputs: vec![c.values] };
                Ok(BuiltTerm {
                    channels: channels.into_iter().map(channel).collect(),
                    labels: labels.into_iter().map(|label| vec![label]).collect(),
                    edge: vec![false; grid.n_bins()],
                    scales: Vec::new(),
                    outside: Vec::new(),
                })
            }
            Expansion::Evaluated { basis, range, fill } => {
                let channels = self.samples(grid, channels)?;
                evaluated(grid, name, channels, basis, (*range, *fill), remembered)
            }
            Expansion::Convolved { .. } => self.convolved(grid, name, channels),
        }
    }

    /// The kernel of a convolved term on this grid, after checking that it fits an epoch.
    pub(super) fn kernel(&self, grid: &BinGrid) -> Result<Option<ndarray::Array2<f64>>> {
        let Expansion::Convolved { basis, window_s, causality, include_present } = &self.expansion else {
            return Ok(None);
        };
        let window = Window::from_duration(*window_s, grid.bin_s())?;
        check_fits(window, *causality, *include_present, grid)?;
        basis.kernel(window.n_bins()).map(Some)
    }

    /// The columns of a convolved term, which a product keeps.
    fn convolved(&self, grid: &BinGrid, name: &str, channels: Vec<Channel<Course>>) -> Result<BuiltTerm> {
        let (Some(kernel), Expansion::Convolved { causality, include_present, .. }) =
            (self.kernel(grid)?, &self.expansion)
        else {
            return fail("a window", "none".into(), "give a window");
        };
        let channels = self.samples(grid, channels)?;
        let n_channels = channels.len();
        let block = block::convolved(grid, name, &channels, &kernel, *causality, *include_present)?;
        let n_functions = kernel.ncols();
        let channel = |c: usize| EvaluatedChannel {
            bases: Composition::Columns(n_functions),
            inputs: (0..n_functions).map(|i| block.x.column(c * n_functions + i).to_vec()).collect(),
        };
        Ok(BuiltTerm {
            channels: (0..n_channels).map(channel).collect(),
            labels: block.labels.chunks(n_functions).map(<[String]>::to_vec).collect(),
            edge: block.edge,
            scales: Vec::new(),
            outside: Vec::new(),
        })
    }
}

/// An evaluated term: a bin where any channel lies outside its range has none of them.
fn evaluated(
    grid: &BinGrid,
    name: &str,
    channels: Vec<Channel>,
    basis: &Basis,
    (range, fill): (Option<Range>, Option<f64>),
    remembered: Option<&[Scale]>,
) -> Result<BuiltTerm> {
    let n_functions = basis.n_functions();
    let labels = block::labels(grid, name, &channels, Some(n_functions))?;
    let scales = match remembered {
        Some(scales) => scales.to_vec(),
        None => block::scales(&channels, basis, range)?,
    };
    block::check_scales(name, &channels, &scales)?;
    let mut outside = vec![false; grid.n_bins()];
    for (channel, scale) in channels.iter().zip(&scales) {
        let of_bins = outside.iter_mut().zip(&channel.values);
        of_bins.for_each(|(outside, &x)| *outside |= basis.domain().is_outside(scale, x));
    }
    // where the others are outside a channel is taken there too, unless nobody knows where it is
    let left_out = if fill.is_some() { f64::INFINITY } else { f64::NAN };
    let shared: std::sync::Arc<dyn Expand> = std::sync::Arc::new(basis.clone());
    let channel = |(mut c, scale): (Channel, &Scale)| {
        let of_bins = c.values.iter_mut().zip(&outside);
        of_bins.filter(|(x, outside)| **outside && !x.is_nan()).for_each(|(x, _)| *x = left_out);
        let bases = Composition::Basis { basis: shared.clone(), scale: scale.clone(), fill };
        EvaluatedChannel { bases, inputs: vec![c.values] }
    };
    Ok(BuiltTerm {
        channels: channels.into_iter().zip(&scales).map(channel).collect(),
        labels: labels.chunks(n_functions).map(<[String]>::to_vec).collect(),
        edge: if fill.is_some() { vec![false; grid.n_bins()] } else { outside.clone() },
        outside,
        scales,
    })
}

/// Refuses a window that leaves no row in any epoch.
fn check_fits(window: Window, causality: Causality, include_present: bool, grid: &BinGrid) -> Result<()> {
    let offset = causality.offset(include_present, window.n_bins())?;
    let n_needed = window.n_bins() + usize::from(offset < 0 || offset == window.n_bins() as isize);
    let longest = grid.segments().iter().map(|segment| segment.rows.len()).max().unwrap_or(0);
    if longest >= n_needed {
        return Ok(());
    }
    Err(Error::argument(
        "window",
        format!(
            "at most {} bins, as the longest epoch has {longest}",
            longest.saturating_sub(n_needed - window.n_bins())
        ),
        format!("{} bins", window.n_bins()),
        "shorten the window or choose longer epochs",
    ))
}
