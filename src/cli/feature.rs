//! The feature language: `signal [*scale] [: basis(arguments)]`, or a product of such terms.
//!
//! ```text
//! feature   = term {"x" term}
//! term      = signal ["*" number] [":" basis ["(" argument {"," argument} ")"]]
//! signal    = "spikes" | "units" | "units-others" | name ["[" column "]"] ["@" ("mean" | "linear" | "nearest")]
//! argument  = value | parameter "=" value
//! value     = word | number ":" number | "[" number {"," number} "]"
//! ```
//!
//! A name with spaces or any of `: * @ [ ] ( ) ' " , =` is written in quotes ('..' or "..", a quote inside is
//! doubled), and so is a series called like one of the three words. The parameters of a basis are those of the
//! registry, by place or by name; besides, `window=200ms` convolves the basis instead of evaluating it, with
//! `causality=causal|anti-causal|acausal` and `include-present=true|false`, and `range=a:b` fixes the range of an
//! evaluated one. A bin outside the range has no feature; with `fill=VALUE` all columns of the term are that value there.
//!
//! | basis | parameters | made for |
//! |---|---|---|
//! | `raised-cosine-log` | `n-functions`, `width=2`, `time-scaling=50`, `decay-to-zero=true` | windows, values |
//! | `raised-cosine-linear` | `n-functions`, `width=2` | windows, values |
//! | `bspline`, `mspline` | `n-functions`, `order=4` | windows, values |
//! | `cyclic-bspline` | `n-functions`, `order=4` | angles: give `range=0:360` |
//! | `orth-exponential` | `decay-rates`, as in `[1, 3, 9]` | windows, values |
//! | `fourier` | `frequencies` (`4`, `1:5` or `[1, 3]`), `keep-zero=false` | periodic values |
//! | `identity` | none | values |
//! | `history` | none | windows |
//!
//! A product multiplies the columns of its terms, channel by channel, those of the last term running fastest:
//! `position : bspline(10) x theta : cyclic-bspline(8, range=0:360)` has 80 columns. Its terms have equally many
//! channels, which are paired. Sums are further features.
//!
//! ```
//! use rheobase::cli::feature::parse;
//!
//! let feature = parse("stimulus*1e12 : raised-cosine-log(8, window=200ms)").unwrap();
//! assert_eq!(feature.to_string(), "stimulus*1e12 : raised-cosine-log(8, window=200ms)");
//! let map = parse("position : bspline(10) x theta : cyclic-bspline(8, range=0:360)").unwrap();
//! assert_eq!(map.n_functions(0.001).unwrap(), 80);
//! ```

use super::cursor::Cursor;
use super::feature_arguments::{Arguments, choice};
use super::quantity;
use crate::basis::Basis;
use crate::features::{Expansion, FeatureSpec, Resample, Signal, Term};
use crate::{Error, Result};

/// Reads one feature.
///
/// # Errors
/// [`Error::Argument`] with a caret under the mistake and the remedy; [`Error::Unknown`] for a basis that is not
/// in the registry.
pub fn parse(text: &str) -> Result<FeatureSpec> {
    let mut cursor = Cursor::new("feature", text);
    cursor.skip_spaces();
    let start = cursor.at();
    let mut spec = FeatureSpec::from(term(&mut cursor)?);
    while !cursor.is_at_end() {
        cursor.skip_spaces();
        let at = cursor.at();
        if cursor.word() != "x" {
            return cursor.fail(
                at,
                "`*scale`, `: basis(..)`, `x` and another term, or the end",
                HELP_FEATURE,
            );
        }
        cursor.skip_spaces();
        spec.times.push(term(&mut cursor)?);
    }
    spec.check().map_err(|error| cursor.mark(start, error))?;
    Ok(spec)
}

/// A signal and what is made of it.
fn term(cursor: &mut Cursor<'_>) -> Result<Term> {
    let start = cursor.at();
    let signal = signal(cursor)?;
    let scale = if cursor.take('*') { scale(cursor)? } else { 1.0 };
    let expansion = if cursor.take(':') { expansion(cursor)? } else { Expansion::Plain };
    let term = Term { signal, scale, expansion };
    term.check().map_err(|error| cursor.mark(start, error))?;
    Ok(term)
}

const HELP_FEATURE: &str = "write a feature like `stimulus*1e12 : raised-cosine-log(8, window=200ms)`; \
                            names with spaces or special characters go in quotes";

fn signal(cursor: &mut Cursor<'_>) -> Result<Signal> {
    let start = cursor.at();
    let quoted = cursor.quoted()?;
    let is_quoted = quoted.is_some();
    let name = quoted.unwrap_or_else(|| cursor.word().to_owned());
    if name.is_empty() {
        return cursor.fail(start, "the name of a signal", HELP_FEATURE);
    }
    let own = match name.as_str() {
        "spikes" => Some(Signal::Spikes),
        "units" => Some(Signal::Units),
        "units-others" => Some(Signal::UnitsOthers),
        _ => None,
    };
    if let Some(signal) = own.filter(|_| !is_quoted) {
        if cursor.looks_at('[') || cursor.looks_at('@') {
            let help = format!(
                "`{name}` has neither columns nor a way of resampling; put a series of that name in quotes"
            );
            return cursor.fail(cursor.at(), "`*scale` or `: basis(..)`", &help);
        }
        return Ok(signal);
    }
    let column = if cursor.take('[') { Some(column(cursor)?) } else { None };
    let resample = if cursor.take('@') {
        Some(choice(cursor, &Resample::ALL, Resample::name, "a way of resampling")?)
    } else {
        None
    };
    Ok(Signal::Series { name, column, resample })
}

fn column(cursor: &mut Cursor<'_>) -> Result<String> {
    cursor.skip_spaces();
    let start = cursor.at();
    let column = match cursor.quoted()? {
        Some(name) => name,
        None => cursor.until(']').trim_end().to_owned(),
    };
    if column.is_empty() {
        return cursor.fail(
            start,
            "the name or number of a column",
            "write it like position[x] or position[0]",
        );
    }
    if !cursor.take(']') {
        return cursor.fail(cursor.at(), "`]`", "close the bracket after the column, as in position[x]");
    }
    Ok(column)
}

fn scale(cursor: &mut Cursor<'_>) -> Result<f64> {
    cursor.skip_spaces();
    let start = cursor.at();
    match quantity::number("scale", cursor.word()) {
        Ok(scale) if scale != 0.0 => Ok(scale),
        _ => cursor.fail(start, "a number other than 0", "write the scale like stimulus*1e12"),
    }
}

fn expansion(cursor: &mut Cursor<'_>) -> Result<Expansion> {
    cursor.skip_spaces();
    let start = cursor.at();
    let name = cursor.word().to_owned();
    if name.is_empty() {
        let help = format!("name a basis after the colon: {}", Basis::NAMES.join(", "));
        return cursor.fail(start, "the name of a basis", &help);
    }
    let Some(parameters) = Basis::parameters_of(&name) else {
        return Err(Error::Unknown {
            kind: "basis",
            name,
            place: format!("the registry{}", cursor.excerpt(start)),
            present: Basis::NAMES.iter().map(|&name| name.to_owned()).collect(),
        });
    };
    let mut arguments = Arguments::new(&name, parameters);
    if cursor.take('(') {
        arguments.read(cursor)?;
    }
    let values = arguments.values(cursor, start)?;
    let basis = match Basis::by_name(&name, &values) {
        Some(basis) => basis.map_err(|error| cursor.mark(start, error))?,
        None => return cursor.fail(start, "the name of a basis", HELP_FEATURE),
    };
    arguments.expansion(basis, cursor)
}
