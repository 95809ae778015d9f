//! [`Axis`]: label, range and scale, and the ticks that follow from them.

use super::words::{number, raised};

/// One axis of a panel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it measures: `rate`.
    pub label: String,
    /// Its unit, `Hz`; empty for none. Very small and very large numbers get a power of ten here.
    pub unit: String,
    /// First and last number; from the marks if none.
    pub range: Option<[f64; 2]>,
    /// Even steps or even factors.
    pub scale: Scale,
    /// Which numbers are written.
    pub ticks: Ticks,
    /// Whether the range, when it comes from the marks, must contain zero.
    pub from_zero: bool,
}

/// How numbers become places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equally far.
    #[default]
    Linear,
    /// Equal factors are equally far; what is not above zero is a gap.
    Log,
}

/// Which numbers an axis writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Ticks {
    /// Round numbers, as many as fit.
    #[default]
    Round,
    /// None at all.
    Hidden,
    /// These places with these words.
    Named(Vec<(f64, String)>),
}

impl Ticks {
    /// Whole numbers from `first` to `last`, at most some ten of them.
    pub fn whole(first: f64, last: f64) -> Self {
        let steps = [1.0, 2.0, 5.0].into_iter().cycle().zip((0..).map(|k| 10f64.powi(k / 3)));
        let step = steps.map(|(digit, power)| digit * power).find(|step| (last - first) / step <= 10.0);
        let step = step.unwrap_or(1.0);
        let begin = (first / step).ceil() as i64;
        let end = (last / step).floor() as i64;
        Self::Named((begin..=end).map(|k| k as f64 * step).map(|at| (at, number(at, 0))).collect())
    }
}

impl Axis {
    /// An axis called `label` in `unit`.
    pub fn new(label: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { label: label.into(), unit: unit.into(), ..Self::default() }
    }

    /// The same from `first` to `last`.
    #[must_use]
    pub fn range(self, first: f64, last: f64) -> Self {
        Self { range: Some([first, last]), ..self }
    }

    /// The same with zero in its range.
    #[must_use]
    pub fn from_zero(self) -> Self {
        Self { from_zero: true, ..self }
    }

    /// The same on a logarithmic scale.
    #[must_use]
    pub fn log(self) -> Self {
        Self { scale: Scale::Log, ..self }
    }

    /// The same with these ticks.
    #[must_use]
    pub fn ticks(self, ticks: Ticks) -> Self {
        Self { ticks, ..self }
    }
}

/// An axis with its numbers settled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scaled {
    pub(super) range: [f64; 2],
    pub(super) scale: Scale,
    /// Label with unit.
    pub(super) label: String,
    /// Places with their words.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scaled {
    /// The share of the way along the axis at which a number lies, 0 to 1 inside the range.
    pub(super) fn share(&self, value: f64) -> f64 {
        let [first, last] = self.range;
        match self.scale {
            Scale::Linear => (value - first) / (last - first),
            Scale::Log => (value / first).ln() / (last / first).ln(),
        }
    }
}

/// The range that holds all finite values, with a margin on both sides where `padded`.
pub(super) fn range_of(axis: &Axis, values: impl Iterator<Item = f64>, padded: bool) -> [f64; 2] {
    if let Some([first, last]) = axis.range
        && first.is_finite()
        && last.is_finite()
        && (axis.scale == Scale::Linear || first.min(last) > 0.0)
    {
        return if first == last { widened(first, axis.scale) } else { [first, last] };
    }
    let is_shown = |value: &f64| value.is_finite() && (axis.scale == Scale::Linear || *value > 0.0);
    let mut range = values.filter(is_shown).fold(None, |range: Option<[f64; 2]>, value| {
        let [low, high] = range.unwrap_or([value, value]);
        Some([low.min(value), high.max(value)])
    });
    if axis.from_zero && axis.scale == Scale::Linear {
        range = range.map(|[low, high]| [low.min(0.0), high.max(0.0)]);
    }
    let Some([low, high]) = range else { return [if axis.scale == Scale::Log { 0.1 } else { 0.0 }, 1.0] };
    if low == high {
        return widened(low, axis.scale);
    }
    if !padded {
        return [low, high];
    }
    match axis.scale {
        Scale::Linear => {
            let margin = 0.05 * (high - low);
            // an axis that begins at zero begins there
            let keep = |edge: f64, moved: f64| if axis.from_zero && edge == 0.0 { 0.0 } else { moved };
            [keep(low, low - margin), keep(high, high + margin)]
        }
        Scale::Log => {
            let factor = (high / low).powf(0.05);
            [low / factor, high * factor]
        }
    }
}

fn widened(value: f64, scale: Scale) -> [f64; 2] {
    match scale {
        Scale::Log => [value / 2.0, value * 2.0],
        Scale::Linear if value == 0.0 => [-1.0, 1.0],
        Scale::Linear => [value - 0.5 * value.abs(), value + 0.5 * value.abs()],
    }
}

/// Settles label and ticks of an axis of a known range, of at most `most` ticks.
pub(super) fn scaled(axis: &Axis, range: [f64; 2], most: usize) -> Scaled {
    let (ticks, exponent) = match (&axis.ticks, axis.scale) {
        (Ticks::Hidden, _) => (Vec::new(), 0),
        (Ticks::Named(ticks), _) => (ticks.clone(), 0),
        (Ticks::Round, Scale::Linear) => linear_ticks(range, most),
        (Ticks::Round, Scale::Log) => (log_ticks(range, most), 0),
    };
    let [low, high] = [range[0].min(range[1]), range[0].max(range[1])];
    let margin = 1e-9 * (high - low);
    let ticks = ticks.into_iter().filter(|(at, _)| *at >= low - margin && *at <= high + margin).collect();
    Scaled { range, scale: axis.scale, label: label(axis, exponent), ticks }
}

/// `current (pA)`, `position (10⁻³ m)`, `count`.
fn label(axis: &Axis, exponent: i32) -> String {
    let Axis { label, unit, .. } = axis;
    let prefix = match exponent {
        -15 => "f",
        -12 => "p",
        -9 => "n",
        -6 => "µ",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        _ => "",
    };
    let takes_prefix = ["A", "V", "S", "Hz", "F", "W", "Pa", "N"].contains(&unit.as_str());
    match (exponent, unit.is_empty()) {
        (0, true) => label.clone(),
        (0, false) => format!("{label} ({unit})"),
        (_, false) if takes_prefix && !prefix.is_empty() => format!("{label} ({prefix}{unit})"),
        _ => format!("{label} (10{} {unit})", raised(exponent)).replace(" )", ")"),
    }
}

/// Round numbers in the range, and the power of ten that was taken out of their words.
fn linear_ticks(range: [f64; 2], most: usize) -> (Vec<(f64, String)>, i32) {
    let [low, high] = [range[0].min(range[1]), range[0].max(range[1])];
    let step = round_step(high - low, most);
    let largest = low.abs().max(high.abs());
    // numbers from a thousandth to below a hundred thousand are written as they are
    let exponent = match largest.log10().floor() as i32 {
        e if (-2..5).contains(&e) => 0,
        e => 3 * e.div_euclid(3),
    };
    let unit = 10f64.powi(exponent);
    let decimals = (-(step / unit).log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let tick = |k: i64| {
        let at = k as f64 * step;
        (at, number(at / unit, decimals))
    };
    ((first..=last).map(tick).collect(), exponent)
}

/// The smallest of 1, 2, 5 times a power of ten that divides `length` into fewer than `most` parts.
fn round_step(length: f64, most: usize) -> f64 {
    let least = length / (most.max(2) - 1) as f64;
    let power = 10f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Powers of ten, and what lies between them where there are few.
fn log_ticks([first, last]: [f64; 2], most: usize) -> Vec<(f64, String)> {
    let [low, high] = [first.min(last), first.max(last)];
    let (below, above) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |at: f64| at >= low * (1.0 - 1e-9) && at <= high * (1.0 + 1e-9);
    let between = |factors: &[f64]| -> Vec<(f64, i32, f64)> {
        let of = |e: i32| factors.iter().map(move |factor| (factor * 10f64.powi(e), e, *factor));
        (below..=above).flat_map(of).filter(|(at, ..)| inside(*at)).collect()
    };
    let fine = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]].map(between);
    let chosen = fine.iter().find(|ticks| ticks.len() <= most.max(2));
    let stride = fine[2].len().div_ceil(most.max(2)).max(1);
    let kept = chosen.unwrap_or(&fine[2]).iter().step_by(if chosen.is_some() { 1 } else { stride });
    // one way of writing for all
    let is_plain = below >= -4 && above <= 5;
    let word = |e: i32, factor: f64| match e {
        _ if is_plain => number(factor * 10f64.powi(e), (-e).max(0) as usize),
        _ if factor == 1.0 => format!("10{}", raised(e)),
        _ => format!("{factor}×10{}", raised(e)),
    };
    let ticks: Vec<(f64, String)> = kept.map(|(at, e, factor)| (*at, word(*e, *factor))).collect();
    // less than one round number: as on an even scale
    if ticks.len() < 2 { linear_ticks([low, high], most.min(4)).0 } else { ticks }
}

#[cfg(test)]
mod tests {
    use super::{Axis, linear_ticks, log_ticks, range_of, scaled};

    fn words(ticks: &[(f64, String)]) -> Vec<&str> {
        ticks.iter().map(|(_, word)| word.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_have_the_decimals_they_need() {
        assert_eq!(words(&linear_ticks([0.0, 28.02], 8).0), ["0", "5", "10", "15", "20", "25"]);
        assert_eq!(words(&linear_ticks([460.7, 461.1], 6).0), ["460.7", "460.8", "460.9", "461.0", "461.1"]);
        assert_eq!(words(&linear_ticks([-0.2, 0.3], 4).0), ["−0.2", "0.0", "0.2"]);
        assert_eq!(words(&linear_ticks([0.3, -0.2], 4).0), ["−0.2", "0.0", "0.2"], "an axis that runs down");
    }

    #[test]
    fn small_and_large_numbers_get_a_prefix_or_a_power_of_ten() {
        let axis = |unit: &str, high: f64| scaled(&Axis::new("x", unit), [0.0, high], 5);
        assert_eq!(axis("A", 320e-12).label, "x (pA)");
        assert_eq!(words(&axis("A", 320e-12).ticks), ["0", "100", "200", "300"]);
        assert_eq!(axis("m", 4e-5).label, "x (10⁻⁶ m)");
        assert_eq!(axis("", 3e6).label, "x (10⁶)");
        assert_eq!(axis("s", 900.0).label, "x (s)");
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_and_more_where_there_is_room() {
        assert_eq!(words(&log_ticks([1e-16, 1.0], 5)), ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "10⁰"]);
        assert_eq!(words(&log_ticks([1.0, 100.0], 8)), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(words(&log_ticks([0.01, 10.0], 4)), ["0.01", "0.1", "1", "10"]);
        assert_eq!(words(&log_ticks([2.2, 4.8], 4)), ["3", "4"]);
    }

    #[test]
    fn ranges_have_a_margin_and_are_never_empty() {
        let axis = Axis::new("", "");
        assert_eq!(range_of(&axis, [1.0, f64::NAN, 3.0].into_iter(), false), [1.0, 3.0]);
        assert_eq!(range_of(&axis.clone().from_zero(), [20.0, 10.0].into_iter(), true), [0.0, 21.0]);
        assert_eq!(range_of(&axis, [4.0].into_iter(), true), [2.0, 6.0]);
        assert_eq!(range_of(&axis, std::iter::empty(), true), [0.0, 1.0]);
        assert_eq!(range_of(&axis.log(), [0.0, -1.0, 1.0, 4.0].into_iter(), false), [1.0, 4.0]);
    }
}
