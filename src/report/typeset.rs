//! Numbers as people read them: few digits, true minus signs, powers of ten, narrow spaces.

use maud::{Markup, html};

/// A space that does not break, between a number and its unit and between groups of digits.
const NARROW: char = '\u{202f}';
const MINUS: char = '\u{2212}';
/// What stands where there is no number.
pub const NONE: &str = "\u{2013}";
/// Below this exponent of ten a number is set as a power of ten.
const LEAST_PLAIN: i32 = -4;
/// From this exponent of ten on a number is set as a power of ten.
const FIRST_POWER: i32 = 7;
/// Most decimals of a plain column.
const MOST_DECIMALS: i32 = 9;

/// A number with so many significant digits; NaN is a dash.
///
/// ```
/// use rheobase::report::typeset::number;
///
/// assert_eq!(number(-0.00766681, 4).0, "−0.007667");
/// assert_eq!(number(1.6e-16, 2).0, "1.6\u{202f}×\u{202f}10<sup>−16</sup>");
/// assert_eq!(number(27820.0, 6).0, "27\u{202f}820");
/// assert_eq!(number(f64::NEG_INFINITY, 3).0, "−∞");
/// ```
pub fn number(x: f64, significant: usize) -> Markup {
    match power_and_decimals(x, significant) {
        Some((Some(_), decimals)) => power(x, decimals),
        Some((None, decimals)) => html! { (plain(x, decimals)) },
        None => html! { (not_finite(x)) },
    }
}

/// The same as text without markup, for titles.
pub fn number_text(x: f64, significant: usize) -> String {
    match power_and_decimals(x, significant) {
        Some((Some(_), decimals)) => format!("{x:.decimals$e}").replace('-', &MINUS.to_string()),
        Some((None, decimals)) => plain(x, decimals),
        None => not_finite(x).into(),
    }
}

/// A number of things: 27 820.
pub fn count(n: usize) -> String {
    grouped(&n.to_string())
}

/// A number and its unit.
pub fn quantity(x: f64, significant: usize, unit: &str) -> Markup {
    html! { (number(x, significant)) (NARROW) (unit) }
}

/// A duration in the unit that suits it.
///
/// ```
/// use rheobase::report::typeset::duration;
///
/// assert_eq!(duration(0.0123).0, "12.3\u{202f}ms");
/// assert_eq!(duration(28.02).0, "28.0\u{202f}s");
/// assert_eq!(duration(125.4).0, "2\u{202f}min 5\u{202f}s");
/// ```
pub fn duration(seconds: f64) -> Markup {
    match seconds {
        0.0 => quantity(0.0, 1, "s"),
        s if s < 1e-3 => quantity(s * 1e6, 3, "µs"),
        s if s < 1.0 => quantity(s * 1e3, 3, "ms"),
        s if s < 100.0 => quantity(s, 3, "s"),
        s if s < 3600.0 => two_units(s.round(), "min", "s"),
        s if s.is_finite() => two_units((s / 60.0).round(), "h", "min"),
        s => html! { (not_finite(s)) },
    }
}

/// Sixtieths as a large unit and the rest.
fn two_units(sixtieths: f64, large: &str, small: &str) -> Markup {
    html! { ((sixtieths / 60.0).floor()) (NARROW) (large) " " (sixtieths % 60.0) (NARROW) (small) }
}

/// A size in memory.
pub fn bytes(n: u64) -> Markup {
    let n = n as f64;
    match n {
        n if n < 1e6 => quantity(n / 1e3, 3, "kB"),
        n if n < 1e9 => quantity(n / 1e6, 3, "MB"),
        n => quantity(n / 1e9, 3, "GB"),
    }
}

/// A share in per cent; never rounded to 0 or 100 unless it is.
pub fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return NONE.into();
    }
    let share = 100.0 * part as f64 / whole as f64;
    let text = match share {
        s if part > 0 && s < 0.1 => "< 0.1".into(),
        s if part < whole && s > 99.9 => "> 99.9".into(),
        s if part == 0 || part == whole => format!("{s:.0}"),
        s => format!("{s:.1}"),
    };
    format!("{text}{NARROW}%")
}

/// How the numbers of one column are set: with common decimals, or each with a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// Plain, with so many decimals.
    Decimals(usize),
    /// With a power of ten where needed, and so many significant digits.
    Significant(usize),
}

impl Digits {
    /// For values with errors: five digits of the largest value and two of the smallest error, if a plain number
    /// can hold them.
    ///
    /// ```
    /// use rheobase::report::typeset::Digits;
    ///
    /// assert_eq!(Digits::of(&[0.0272, -0.0079], &[0.0236, 0.0223]), Digits::Decimals(6));
    /// assert_eq!(Digits::of(&[1e9, 1.0], &[f64::NAN]), Digits::Significant(5));
    /// ```
    pub fn of(values: &[f64], errors: &[f64]) -> Self {
        let sizes = |numbers: &[f64]| -> Vec<f64> {
            numbers.iter().map(|x| x.abs()).filter(|x| x.is_finite() && *x > 0.0).collect()
        };
        let (values, errors) = (sizes(values), sizes(errors));
        let Some(largest) = values.iter().copied().reduce(f64::max) else {
            return Self::Significant(5);
        };
        let largest_exponent = exponent(largest, 5);
        let finest = errors.iter().copied().reduce(f64::min).map_or(i32::MIN, |error| 1 - exponent(error, 2));
        let decimals = (4 - largest_exponent).max(finest);
        if decimals > MOST_DECIMALS || largest_exponent >= FIRST_POWER {
            Self::Significant(5)
        } else {
            Self::Decimals(decimals.max(0) as usize)
        }
    }

    /// Sets one number of the column.
    pub fn set(self, x: f64) -> Markup {
        match self {
            Self::Decimals(decimals) if x.is_finite() => html! { (plain(x, decimals)) },
            Self::Decimals(_) => html! { (not_finite(x)) },
            Self::Significant(significant) => number(x, significant),
        }
    }
}

/// The exponent of ten if there should be one, and the decimals; `None` if the number is not finite.
fn power_and_decimals(x: f64, significant: usize) -> Option<(Option<i32>, usize)> {
    if !x.is_finite() {
        return None;
    }
    let last = significant.max(1) - 1;
    if x == 0.0 {
        return Some((None, 0));
    }
    let exponent = exponent(x, significant);
    // digits before the point that nobody asked for are no digits
    let first_power = FIRST_POWER.min(last as i32 + 3);
    if (LEAST_PLAIN..first_power).contains(&exponent) {
        // whole numbers are shown as they are
        let decimals = if x.fract() == 0.0 { 0 } else { (last as i32 - exponent).max(0) };
        Some((None, decimals as usize))
    } else {
        Some((Some(exponent), last))
    }
}

/// Exponent of ten after rounding to so many digits.
fn exponent(x: f64, significant: usize) -> i32 {
    let text = format!("{:.*e}", significant.max(1) - 1, x);
    text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn plain(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    // what is rounded to 0 has no sign
    let is_negative = x < 0.0 && text.contains(|c: char| ('1'..='9').contains(&c));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if is_negative { MINUS.to_string() } else { String::new() };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

fn power(x: f64, decimals: usize) -> Markup {
    let text = format!("{x:.decimals$e}").replace('-', &MINUS.to_string());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    html! { (digits) (NARROW) "×" (NARROW) "10" sup { (exponent) } }
}

/// Digits in groups of three, from five digits on.
fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.into();
    }
    let mut text = String::with_capacity(digits.len() * 2);
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(NARROW);
        }
        text.push(digit);
    }
    text
}

fn not_finite(x: f64) -> &'static str {
    match x {
        x if x == f64::INFINITY => "∞",
        x if x == f64::NEG_INFINITY => "−∞",
        _ => NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_were_asked_for() {
        for (x, significant, expected) in [
            (0.0, 3, "0"),
            (-0.0, 3, "0"),
            (0.293_244_9, 4, "0.2932"),
            (40.0, 3, "40"),
            (123_456.7, 4, "123\u{202f}457"),
            (9_999_999.9, 3, "1.00\u{202f}×\u{202f}10<sup>7</sup>"),
            (-6.02e23, 3, "−6.02\u{202f}×\u{202f}10<sup>23</sup>"),
            (1e-5, 2, "1.0\u{202f}×\u{202f}10<sup>−5</sup>"),
            (0.000_123, 2, "0.00012"),
            (5e-324, 2, "4.9\u{202f}×\u{202f}10<sup>−324</sup>"),
            (f64::NAN, 3, "–"),
            (f64::INFINITY, 3, "∞"),
        ] {
            assert_eq!(number(x, significant).0, expected, "{x}");
        }
        assert_eq!(number_text(1.6e-16, 2), "1.6e−16");
        assert_eq!(plain(-0.0004, 2), "0.00");
        assert_eq!(
            (count(999), count(9999), count(1_234_567)),
            ("999".into(), "9999".into(), "1\u{202f}234\u{202f}567".into())
        );
    }

    #[test]
    fn shares_are_not_rounded_to_all_or_nothing() {
        let of = |part, whole| percent(part, whole).replace('\u{202f}', " ");
        assert_eq!(of(1, 100_000), "< 0.1 %");
        assert_eq!(of(99_999, 100_000), "> 99.9 %");
        assert_eq!((of(0, 5), of(5, 5), of(1, 3)), ("0 %".into(), "100 %".into(), "33.3 %".into()));
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn durations_and_sizes_have_units_that_suit() {
        let of = |markup: Markup| markup.0.replace('\u{202f}', " ");
        assert_eq!(of(duration(0.0)), "0 s");
        assert_eq!(of(duration(12.3e-6)), "12.3 µs");
        assert_eq!(of(duration(119.6)), "2 min 0 s");
        assert_eq!(of(duration(7265.0)), "2 h 1 min");
        assert_eq!(of(duration(f64::NAN)), "–");
        assert_eq!((of(bytes(37_000_000)), of(bytes(1_230_000_000))), ("37 MB".into(), "1.23 GB".into()));
    }

    #[test]
    fn columns_show_small_errors() {
        // two digits of an error of 1e-4 beside values of 100
        assert_eq!(Digits::of(&[100.0], &[1.2e-4]), Digits::Decimals(5));
        assert_eq!(Digits::of(&[100.0], &[1e-12]), Digits::Significant(5));
        assert_eq!(Digits::of(&[0.0, f64::NAN], &[]), Digits::Significant(5));
        assert_eq!(Digits::Decimals(2).set(f64::NEG_INFINITY).0, "−∞");
        assert_eq!(Digits::Decimals(2).set(-1.0).0, "−1.00");
    }
}
