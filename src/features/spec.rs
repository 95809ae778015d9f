//! A feature as asked for: what the command line parses, the model file stores and new data are expanded by.
//!
//! `Display` prints the canonical text of a feature, which parses back to the same value.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::block::{self, Channel, FeatureBlock};
use super::{Causality, Columns, Resample, Window};
use crate::basis::{Basis, Expand, Range, Value};
use crate::design::Course;
use crate::time::BinGrid;
use crate::{Error, Result};

/// Values of a feature that are written out at once; what is larger is written, if at all, where a fit wants it.
const MOST_WRITTEN: usize = 1 << 20;

/// One feature: a signal, a factor, and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// The signal.
    pub signal: Signal,
    /// Multiplies the signal before anything else, so that coefficients have readable units.
    pub scale: f64,
    /// What is made of the scaled signal.
    pub expansion: Expansion,
}

/// Where a feature's numbers come from.
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

impl FeatureSpec {
    /// Checks what no single part can know.
    ///
    /// # Errors
    /// [`Error::Argument`] for a factor that is 0 or not finite, a window that is not positive, an acausal window
    /// without the present bin, and a feature by which the present bin of the target would predict itself.
    pub fn check(&self) -> Result<()> {
        let fail = |expected: &str, found: String, help: &str| {
            Err(Error::argument("feature", expected, found, help))
        };
        if !self.scale.is_finite() || self.scale == 0.0 {
            return fail("a factor other than 0", format!("*{}", self.scale), "write it like stimulus*1e12");
        }
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

    /// One name per feature: its signal's, the second of the same signal with `_2` and so on.
    pub fn names(features: &[Self]) -> Vec<String> {
        let signals: Vec<String> = features.iter().map(|feature| feature.signal.name()).collect();
        let mut names: Vec<String> = Vec::with_capacity(signals.len());
        for signal in &signals {
            let mut name = signal.clone();
            let mut nth = 1;
            // a series may itself be called like a second use of another
            while names.contains(&name) || (nth > 1 && signals.contains(&name)) {
                nth += 1;
                name = format!("{signal}_{nth}");
            }
            names.push(name);
        }
        names
    }

    /// The block of this feature from the channels of its signal, which are not scaled yet.
    ///
    /// `remembered` holds the ranges (one per channel) that an earlier call returned; without them, and without a
    /// range in the feature, an evaluated feature takes its ranges from these bins. Other features have none.
    ///
    /// # Errors
    /// Those of [`Self::check`], [`Window::from_duration`], [`block::plain`], [`block::evaluated`] and
    /// [`block::convolved`]; [`Error::Argument`] for a window longer than every epoch.
    pub fn build<V: Into<Course>>(
        &self,
        grid: &BinGrid,
        name: &str,
        channels: Vec<Channel<V>>,
        remembered: Option<&[Range]>,
    ) -> Result<(FeatureBlock<Columns>, Vec<Range>)> {
        self.check()?;
        let courses = channels.into_iter().map(|c| Channel { label: c.label, values: c.values.into() });
        if let Expansion::Convolved { basis, .. } = &self.expansion
            && is_large(grid.n_bins(), courses.len(), basis.n_functions())
        {
            return Ok((self.convolution(grid, name, courses.collect())?, Vec::new()));
        }
        let written = |c: Channel<Course>| -> Result<Channel> {
            if let Course::Events(_) = c.values {
                c.values.check(grid.n_bins())?;
            }
            Ok(Channel { label: c.label, values: c.values.into_values(grid.n_bins(), self.scale) })
        };
        let channels: Vec<Channel> = courses.map(written).collect::<Result<_>>()?;
        let (block, ranges) = match &self.expansion {
            Expansion::Plain => (block::plain(grid, name, &channels)?, Vec::new()),
            Expansion::Evaluated { basis, range } => {
                let typed = range.map(|range| vec![range; channels.len()]);
                if is_large(grid.n_bins(), channels.len(), basis.n_functions()) {
                    let ranges = remembered.or(typed.as_deref());
                    let (block, ranges) = block::evaluation(grid, name, channels, basis, ranges)?;
                    return Ok((block.with(Columns::Evaluated), ranges));
                }
                block::evaluated(grid, name, &channels, basis.member(), remembered.or(typed.as_deref()))?
            }
            Expansion::Convolved { basis, window_s, causality, include_present } => {
                let window = Window::from_duration(*window_s, grid.bin_s())?;
                check_fits(window, *causality, *include_present, grid)?;
                let kernel = basis.kernel(window.n_bins())?;
                (block::convolved(grid, name, &channels, &kernel, *causality, *include_present)?, Vec::new())
            }
        };
        Ok((block.with(Columns::from), ranges))
    }

    /// The block of a convolved feature that is too large to be written out before it is needed.
    fn convolution(
        &self,
        grid: &BinGrid,
        name: &str,
        mut channels: Vec<Channel<Course>>,
    ) -> Result<FeatureBlock<Columns>> {
        let Expansion::Convolved { basis, window_s, causality, include_present } = &self.expansion else {
            return Err(Error::argument("feature", "a window", "none", "give a window"));
        };
        let window = Window::from_duration(*window_s, grid.bin_s())?;
        check_fits(window, *causality, *include_present, grid)?;
        let kernel = basis.kernel(window.n_bins())?;
        for channel in channels.iter_mut().filter(|_| self.scale != 1.0) {
            let course = std::mem::take(&mut channel.values);
            channel.values = Course::Samples(course.into_values(grid.n_bins(), self.scale));
        }
        let block = block::convolution(grid, name, channels, &kernel, *causality, *include_present)?;
        Ok(block.with(Columns::Convolved))
    }
}

/// Whether the columns of a feature with a basis are computed when they are needed.
pub(super) fn is_large(n_bins: usize, n_channels: usize, n_functions: usize) -> bool {
    n_bins.saturating_mul(n_channels).saturating_mul(n_functions) > MOST_WRITTEN
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

impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signal.name())?;
        if let Signal::Series { resample: Some(how), .. } = self.signal {
            write!(f, "@{}", how.name())?;
        }
        if self.scale != 1.0 {
            write!(f, "*{}", number_text(self.scale))?;
        }
        let (basis, mut arguments) = match &self.expansion {
            Expansion::Plain => return Ok(()),
            Expansion::Evaluated { basis, .. } | Expansion::Convolved { basis, .. } => {
                (basis, basis_arguments(basis))
            }
        };
        match &self.expansion {
            Expansion::Evaluated { range: Some(range), .. } => {
                arguments.push(format!("range={}:{}", number_text(range.lo()), number_text(range.hi())));
            }
            Expansion::Convolved { window_s, causality, include_present, .. } => {
                arguments.push(format!("window={}", duration_text(*window_s)));
                if *causality != Causality::default() {
                    arguments.push(format!("causality={}", causality.name()));
                }
                if *include_present != causality.includes_present() {
                    arguments.push(format!("include-present={include_present}"));
                }
            }
            _ => {}
        }
        write!(f, " : {}", basis.name())?;
        if arguments.is_empty() { Ok(()) } else { write!(f, "({})", arguments.join(", ")) }
    }
}

/// The arguments of a basis: required ones by place, others by name where they are not the default.
fn basis_arguments(basis: &Basis) -> Vec<String> {
    let text = |value: Value| match value {
        Value::Count(n) => n.to_string(),
        Value::Number(x) => number_text(x),
        Value::Flag(flag) => flag.to_string(),
    };
    let mut arguments = Vec::new();
    for (parameter, value) in basis.parameters() {
        if parameter.required {
            arguments.push(text(value));
        } else if value != parameter.default {
            arguments.push(format!("{}={}", parameter.name, text(value)));
        }
    }
    arguments
}

/// Of the two texts that read back to the same number, the decimal one unless the other is much shorter.
fn number_text(x: f64) -> String {
    let (decimal, scientific) = (format!("{x}"), format!("{x:e}"));
    if scientific.len() + 2 < decimal.len() { scientific } else { decimal }
}

/// A duration in the largest unit in which it is a whole number, else in seconds; reads back to the same float.
fn duration_text(seconds: f64) -> String {
    for (unit, per_s) in [("s", 1.0), ("ms", 1e3), ("us", 1e6)] {
        let whole = (seconds * per_s).round();
        if whole / per_s == seconds {
            return format!("{}{unit}", number_text(whole));
        }
    }
    format!("{}s", number_text(seconds))
}

/// The name of a series, in quotes where it would read as something else.
fn quoted_name(name: &str) -> String {
    let special = |c: char| c.is_whitespace() || c.is_control() || r#":*@[]()'",="#.contains(c);
    if name.is_empty() || name.contains(special) || Signal::RESERVED.contains(&name) {
        quote(name)
    } else {
        name.into()
    }
}

/// The name of a column, in quotes where it would read as something else.
fn quoted_column(column: &str) -> String {
    if column.is_empty() || column.contains(['[', ']', '\'', '"']) || column.trim() != column {
        quote(column)
    } else {
        column.into()
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
