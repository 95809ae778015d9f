//! The feature language: `signal [*scale] [: basis(arguments)]`.
//!
//! ```text
//! feature   = signal ["*" number] [":" basis ["(" argument {"," argument} ")"]]
//! signal    = "spikes" | "units" | "units-others" | name ["[" column "]"] ["@" ("mean" | "linear" | "nearest")]
//! argument  = value | parameter "=" value
//! ```
//!
//! A name with spaces or any of `: * @ [ ] ( ) ' " , =` is written in quotes ('..' or "..", a quote inside is
//! doubled), and so is a series called like one of the three words. The parameters of a basis are those of the
//! registry, by place or by name; besides, `window=200ms` convolves the basis instead of evaluating it, with
//! `causality=causal|anti-causal|acausal` and `include-present=true|false`, and `range=a:b` fixes the range of an
//! evaluated one.
//!
//! ```
//! use rheobase::cli::feature::parse;
//!
//! let feature = parse("stimulus*1e12 : raised-cosine-log(8, window=200ms)").unwrap();
//! assert_eq!(feature.to_string(), "stimulus*1e12 : raised-cosine-log(8, window=200ms)");
//! ```

use super::cursor::Cursor;
use super::quantity;
use crate::basis::{Basis, Parameter, Range, Value};
use crate::features::{Causality, Expansion, FeatureSpec, Resample, Signal};
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
    let signal = signal(&mut cursor)?;
    let scale = if cursor.take('*') { scale(&mut cursor)? } else { 1.0 };
    let expansion = if cursor.take(':') { expansion(&mut cursor)? } else { Expansion::Plain };
    cursor.skip_spaces();
    if !cursor.is_at_end() {
        return cursor.fail(cursor.at(), "`*scale`, `: basis(..)` or the end", HELP_FEATURE);
    }
    let spec = FeatureSpec { signal, scale, expansion };
    spec.check().map_err(|error| cursor.mark(start, error))?;
    Ok(spec)
}

const HELP_FEATURE: &str = "write a feature like `stimulus*1e12 : raised-cosine-log(8, window=200ms)`; \
                            names with spaces or special characters go in quotes";
const HELP_FLAG: &str = "write true or false";

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

/// One of a few words.
fn choice<T: Copy>(cursor: &mut Cursor<'_>, all: &[T], name: fn(T) -> &'static str, what: &str) -> Result<T> {
    cursor.skip_spaces();
    let start = cursor.at();
    let word = cursor.word();
    match all.iter().find(|&&one| name(one) == word) {
        Some(&one) => Ok(one),
        None => {
            let names: Vec<&str> = all.iter().map(|&one| name(one)).collect();
            cursor.fail(start, what, &format!("use one of: {}", names.join(", ")))
        }
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
    let mut arguments = Arguments::new(parameters);
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

/// The arguments of a basis as far as they were read; each is kept with its place in the text.
struct Arguments {
    parameters: &'static [Parameter],
    values: Vec<Option<Value>>,
    window_s: Option<f64>,
    range: Option<(usize, Range)>,
    causality: Option<(usize, Causality)>,
    include_present: Option<(usize, bool)>,
}

impl Arguments {
    fn new(parameters: &'static [Parameter]) -> Self {
        Self {
            parameters,
            values: vec![None; parameters.len()],
            window_s: None,
            range: None,
            causality: None,
            include_present: None,
        }
    }

    /// Reads up to and including the closing parenthesis.
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        if cursor.take(')') {
            return Ok(());
        }
        let mut n_by_place = Some(0);
        loop {
            cursor.skip_spaces();
            let start = cursor.at();
            let name = cursor.word().to_owned();
            if cursor.take('=') {
                n_by_place = None;
                self.named(cursor, start, &name)?;
            } else {
                cursor.go_back(start);
                let Some(place) = n_by_place.filter(|&place| place < self.values.len()) else {
                    let help = format!("give it by name; the parameters are {}", self.names());
                    return cursor.fail(start, "`name=value`", &help);
                };
                self.values[place] = Some(value(cursor, &self.parameters[place])?);
                n_by_place = Some(place + 1);
            }
            if cursor.take(')') {
                return Ok(());
            }
            if !cursor.take(',') {
                return cursor.fail(
                    cursor.at(),
                    "`,` or `)`",
                    "separate arguments by commas and close the parenthesis",
                );
            }
        }
    }

    fn named(&mut self, cursor: &mut Cursor<'_>, start: usize, name: &str) -> Result<()> {
        cursor.skip_spaces();
        let at = cursor.at();
        let taken = match name {
            "window" => {
                let seconds =
                    quantity::duration_s("window", cursor.word()).map_err(|e| cursor.mark(at, e))?;
                if seconds == 0.0 {
                    return cursor.fail(at, "a window above 0", "write it like window=200ms");
                }
                self.window_s.replace(seconds).is_some()
            }
            "range" => {
                let (lo, hi) =
                    quantity::range("range", cursor.until_any(",)")).map_err(|e| cursor.mark(at, e))?;
                self.range.replace((start, Range::new(lo, hi)?)).is_some()
            }
            "causality" => {
                let causality = choice(cursor, &Causality::ALL, Causality::name, "a causality")?;
                self.causality.replace((start, causality)).is_some()
            }
            "include-present" => {
                let Ok(flag) = cursor.word().parse() else {
                    return cursor.fail(at, "true or false", HELP_FLAG);
                };
                self.include_present.replace((start, flag)).is_some()
            }
            _ => match self.parameters.iter().position(|parameter| parameter.name == name) {
                Some(place) => self.values[place].replace(value(cursor, &self.parameters[place])?).is_some(),
                None => {
                    let help = format!("the parameters are {}", self.names());
                    return cursor.fail(start, "the name of a parameter", &help);
                }
            },
        };
        if taken { cursor.fail(start, "each parameter once", "remove one of the two") } else { Ok(()) }
    }

    fn names(&self) -> String {
        let own = self.parameters.iter().map(|parameter| parameter.name);
        own.chain(["window", "causality", "include-present", "range"]).collect::<Vec<_>>().join(", ")
    }

    /// The values of the basis in order, defaults filled in.
    fn values(&self, cursor: &Cursor<'_>, start: usize) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.values.len());
        for (parameter, value) in self.parameters.iter().zip(&self.values) {
            match value {
                Some(value) => values.push(*value),
                None if !parameter.required => values.push(parameter.default),
                None => {
                    let help =
                        format!("give {} in the parentheses, as in raised-cosine-log(8)", parameter.name);
                    return cursor.fail(start, &format!("a basis with its {}", parameter.name), &help);
                }
            }
        }
        Ok(values)
    }

    fn expansion(self, basis: Basis, cursor: &Cursor<'_>) -> Result<Expansion> {
        let Some(window_s) = self.window_s else {
            let place = self.causality.map(|(at, _)| at).or(self.include_present.map(|(at, _)| at));
            return match place {
                Some(at) => cursor.fail(
                    at,
                    "a window",
                    "causality and include-present need window=, as in window=200ms",
                ),
                None => Ok(Expansion::Evaluated { basis, range: self.range.map(|(_, range)| range) }),
            };
        };
        if let Some((at, _)) = self.range {
            return cursor.fail(at, "no range", "a convolved basis has no range: remove range= or window=");
        }
        let causality = self.causality.map_or(Causality::default(), |(_, causality)| causality);
        let include_present = self.include_present.map_or(causality.includes_present(), |(_, flag)| flag);
        Ok(Expansion::Convolved { basis, window_s, causality, include_present })
    }
}

/// The value of a parameter of a basis, of the kind of its default.
fn value(cursor: &mut Cursor<'_>, parameter: &Parameter) -> Result<Value> {
    cursor.skip_spaces();
    let start = cursor.at();
    let word = cursor.word();
    let (value, expected) = match parameter.default {
        Value::Count(_) => (word.parse().ok().map(Value::Count), "a whole number"),
        Value::Number(_) => (quantity::number(parameter.name, word).ok().map(Value::Number), "a number"),
        Value::Flag(_) => (word.parse().ok().map(Value::Flag), "true or false"),
    };
    match value {
        Some(value) => Ok(value),
        None => cursor.fail(start, expected, &format!("give {expected} for {}", parameter.name)),
    }
}
