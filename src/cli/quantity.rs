//! Quantities as typed: durations, sizes, numbers and ranges.
//!
//! A duration or size without its unit is an error and not a guess: seconds and milliseconds are both common
//! among neuroscientists, and a bin of `1` would be wrong for half of them.

use crate::{Error, Result};

/// Units of time against the second.
const TIMES: &[(&str, Scale)] = &[
    ("s", Scale::Times(1.0)),
    ("ms", Scale::Per(1e3)),
    ("us", Scale::Per(1e6)),
    ("µs", Scale::Per(1e6)),
    ("μs", Scale::Per(1e6)),
    ("ns", Scale::Per(1e9)),
    ("min", Scale::Times(60.0)),
    ("h", Scale::Times(3600.0)),
];

/// Units of memory against the byte.
const SIZES: &[(&str, Scale)] = &[
    ("B", Scale::Times(1.0)),
    ("kB", Scale::Times(1e3)),
    ("KB", Scale::Times(1e3)),
    ("MB", Scale::Times(1e6)),
    ("GB", Scale::Times(1e9)),
    ("TB", Scale::Times(1e12)),
    ("KiB", Scale::Times(1024.0)),
    ("MiB", Scale::Times(1_048_576.0)),
    ("GiB", Scale::Times(1_073_741_824.0)),
    ("TiB", Scale::Times(1_099_511_627_776.0)),
];

/// A unit against its base unit. Dividing by a whole number is exact to the last bit (200 ms is the float nearest
/// to 0.2 s), multiplying by its rounded reciprocal is not.
#[derive(Clone, Copy)]
enum Scale {
    Times(f64),
    Per(f64),
}

/// A finite number.
///
/// # Errors
/// [`Error::Argument`] for anything else.
pub fn number(what: &str, text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Error::argument(what, "a number", quote(text), "write it like 15, 0.5 or 1e12")),
    }
}

/// A duration in seconds: `1ms`, `0.2s`, `500us`, `2min`.
///
/// # Errors
/// [`Error::Argument`] without a unit, with an unknown one, or for a duration that is negative or not finite.
pub fn duration_s(what: &str, text: &str) -> Result<f64> {
    let seconds =
        with_unit(what, text, "a duration with its unit", TIMES, "s, ms, us, ns, min or h, as in 1ms")?;
    if seconds >= 0.0 {
        return Ok(seconds);
    }
    Err(Error::argument(what, "a duration of 0 or more", quote(text), "leave out the minus sign"))
}

/// A size in bytes: `2GB`, `512MiB`.
///
/// # Errors
/// [`Error::Argument`] without a unit, with an unknown one, or for a size below one byte or above 2^63.
pub fn size_bytes(what: &str, text: &str) -> Result<u64> {
    let bytes =
        with_unit(what, text, "a size with its unit", SIZES, "B, kB, MB, GB, KiB, MiB or GiB, as in 2GB")?;
    if (1.0..9.2e18).contains(&bytes) {
        return Ok(bytes.round() as u64);
    }
    Err(Error::argument(what, "a size of at least one byte", quote(text), "write it like 2GB or 512MiB"))
}

/// A range `a:b` with `a < b`, both finite.
///
/// # Errors
/// [`Error::Argument`] for anything else.
pub fn range(what: &str, text: &str) -> Result<(f64, f64)> {
    let ends = text.split_once(':').and_then(|(a, b)| Some((number(what, a).ok()?, number(what, b).ok()?)));
    match ends {
        Some((lo, hi)) if lo < hi => Ok((lo, hi)),
        _ => Err(Error::argument(
            what,
            "two numbers a:b, the smaller one first",
            quote(text),
            "write it like 0:150 or -5:5",
        )),
    }
}

fn with_unit(
    what: &str,
    text: &str,
    expected: &'static str,
    units: &[(&str, Scale)],
    help: &'static str,
) -> Result<f64> {
    let text = text.trim();
    // The number is the longest beginning that is one: a unit never starts with a digit, but may with an `e`.
    let end = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .rev()
        .find(|&end| text[..end].parse::<f64>().is_ok());
    let (value, unit) = match end {
        Some(end) => (text[..end].parse::<f64>().unwrap_or(f64::NAN), text[end..].trim_start()),
        None => (f64::NAN, text),
    };
    let fail = |help: String| Err(Error::argument(what, expected, quote(text), help));
    if !value.is_finite() {
        return fail(format!("write a number and a unit: {help}"));
    }
    if unit.is_empty() {
        return fail(format!("add the unit: {help}"));
    }
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, Scale::Times(factor))) => Ok(value * factor),
        Some((_, Scale::Per(divisor))) => Ok(value / divisor),
        None => fail(format!("the units are {help}")),
    }
}

fn quote(text: &str) -> String {
    format!("`{}`", text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_the_nearest_float() {
        for (text, seconds) in [
            ("1ms", 0.001),
            ("200ms", 0.2),
            ("0.2s", 0.2),
            ("500us", 0.0005),
            ("500µs", 0.0005),
            (" 3 ns ", 3e-9),
            ("2min", 120.0),
            ("1.5h", 5400.0),
            ("1e2ms", 0.1),
            ("0s", 0.0),
        ] {
            assert_eq!(duration_s("bin", text).unwrap(), seconds, "{text}");
        }
    }

    #[test]
    fn a_duration_needs_its_unit() {
        let error = duration_s("bin", "1").unwrap_err();
        assert_eq!(error.to_string(), "bin: expected a duration with its unit, found `1`");
        assert_eq!(error.help(), "add the unit: s, ms, us, ns, min or h, as in 1ms");
        for text in ["", "ms", "1 m", "1MS", "-1ms", "infs", "nanms", "1e999s", "1ms2", "1,5ms"] {
            assert!(duration_s("bin", text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size_bytes("limit", "2GB").unwrap(), 2_000_000_000);
        assert_eq!(size_bytes("limit", "512MiB").unwrap(), 536_870_912);
        assert_eq!(size_bytes("limit", "1.5 KiB").unwrap(), 1536);
        for text in ["2", "0GB", "-1MB", "2gb", "GB", "1e30GB", "0.1B"] {
            assert!(size_bytes("limit", text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(range("range", "-5:5").unwrap(), (-5.0, 5.0));
        assert_eq!(range("range", "0 : 1.5e2").unwrap(), (0.0, 150.0));
        for text in ["", "1", "1:", ":1", "2:1", "1:1", "a:b", "0:inf", "0:1:2"] {
            assert!(range("range", text).is_err(), "{text}");
        }
    }
}
