//! The arguments of a basis: `8, width=2.5, window=200ms`.

use super::cursor::Cursor;
use super::quantity;
use crate::Result;
use crate::basis::{Basis, MOST_FUNCTIONS, Parameter, Range, Value};
use crate::features::{Causality, Expansion};

const HELP_FLAG: &str = "write true or false";

/// One of a few words.
pub(super) fn choice<T: Copy>(
    cursor: &mut Cursor<'_>,
    all: &[T],
    name: fn(T) -> &'static str,
    what: &str,
) -> Result<T> {
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

/// The arguments of a basis as far as they were read; each is kept with its place in the text.
pub(super) struct Arguments {
    /// Name of the basis.
    basis: String,
    parameters: &'static [Parameter],
    values: Vec<Option<Value>>,
    window_s: Option<f64>,
    range: Option<(usize, Range)>,
    fill: Option<(usize, f64)>,
    causality: Option<(usize, Causality)>,
    include_present: Option<(usize, bool)>,
}

impl Arguments {
    pub(super) fn new(basis: &str, parameters: &'static [Parameter]) -> Self {
        Self {
            basis: basis.to_owned(),
            parameters,
            values: vec![None; parameters.len()],
            window_s: None,
            range: None,
            fill: None,
            causality: None,
            include_present: None,
        }
    }

    /// Reads up to and including the closing parenthesis.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
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
            "fill" => {
                let fill = quantity::number("fill", cursor.word()).map_err(|e| cursor.mark(at, e))?;
                self.fill.replace((start, fill)).is_some()
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
        own.chain(["window", "causality", "include-present", "range", "fill"]).collect::<Vec<_>>().join(", ")
    }

    /// The values of the basis in order, defaults filled in.
    pub(super) fn values(&self, cursor: &Cursor<'_>, start: usize) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.values.len());
        for (parameter, value) in self.parameters.iter().zip(&self.values) {
            match value {
                Some(value) => values.push(value.clone()),
                None if !parameter.required => values.push(parameter.default.clone()),
                None => {
                    let example = match parameter.default {
                        Value::Numbers(_) => "[1, 3, 9]",
                        _ => "8",
                    };
                    let (name, basis) = (parameter.name, &self.basis);
                    let help = format!("give {name} in the parentheses, as in {basis}({example})");
                    return cursor.fail(start, &format!("a basis with its {}", parameter.name), &help);
                }
            }
        }
        Ok(values)
    }

    pub(super) fn expansion(self, basis: Basis, cursor: &Cursor<'_>) -> Result<Expansion> {
        let Some(window_s) = self.window_s else {
            let place = self.causality.map(|(at, _)| at).or(self.include_present.map(|(at, _)| at));
            return match place {
                Some(at) => cursor.fail(
                    at,
                    "a window",
                    "causality and include-present need window=, as in window=200ms",
                ),
                None => {
                    let range = self.range.map(|(_, range)| range);
                    Ok(Expansion::Evaluated { basis, range, fill: self.fill.map(|(_, fill)| fill) })
                }
            };
        };
        if let Some((at, _)) = self.range {
            return cursor.fail(at, "no range", "a convolved basis has no range: remove range= or window=");
        }
        if let Some((at, _)) = self.fill {
            return cursor.fail(
                at,
                "no fill value",
                "a convolved basis has no range: remove fill= or window=",
            );
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
    let expected = parameter.default.kind();
    let value = match parameter.default {
        Value::Count(_) => cursor.word().parse().ok().map(Value::Count),
        Value::Number(_) => quantity::number(parameter.name, cursor.word()).ok().map(Value::Number),
        Value::Flag(_) => cursor.word().parse().ok().map(Value::Flag),
        Value::Numbers(_) => {
            list(cursor, |word| quantity::number(parameter.name, word).ok())?.map(Value::Numbers)
        }
        Value::Frequencies(_) => frequencies(cursor)?.map(Value::Frequencies),
    };
    match value {
        Some(value) => Ok(value),
        None => cursor.fail(start, expected, &format!("give {expected} for {}", parameter.name)),
    }
}

/// `[a, b, ..]`; `None` if no bracket comes next.
fn list<T>(cursor: &mut Cursor<'_>, read: impl Fn(&str) -> Option<T>) -> Result<Option<Vec<T>>> {
    let help = "write a list like [1, 3, 9]";
    if !cursor.take('[') {
        return Ok(None);
    }
    let mut all = Vec::new();
    loop {
        cursor.skip_spaces();
        let start = cursor.at();
        match read(cursor.word()) {
            Some(value) => all.push(value),
            None => return cursor.fail(start, "a number", help),
        }
        if cursor.take(']') {
            return Ok(Some(all));
        }
        if !cursor.take(',') {
            return cursor.fail(cursor.at(), "`,` or `]`", help);
        }
    }
}

/// How many from 0 on, `first:end`, or a list.
fn frequencies(cursor: &mut Cursor<'_>) -> Result<Option<Vec<usize>>> {
    if let Some(all) = list(cursor, |word| word.parse().ok())? {
        return Ok(Some(all));
    }
    let first = cursor.word().parse::<usize>().ok();
    if !cursor.take(':') {
        return Ok(first.filter(|&n| n <= MOST_FUNCTIONS).map(|n| (0..n).collect()));
    }
    cursor.skip_spaces();
    let end = cursor.word().parse::<usize>().ok().filter(|&end| end <= MOST_FUNCTIONS);
    Ok(first.zip(end).map(|(first, end)| (first..end).collect()))
}
