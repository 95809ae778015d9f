//! The canonical text of a term, which parses back to the same value.

use std::fmt;

use super::Causality;
use super::term::{Expansion, Signal, Term};
use crate::basis::{Basis, number_text};

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signal.name())?;
        if let Signal::Series { resample: Some(how), .. } = self.signal {
            write!(f, "@{}", how.name())?;
        }
        if self.scale != 1.0 {
            write!(f, "*{}", number_text(self.scale))?;
        }
        let Some(basis) = self.basis() else { return Ok(()) };
        let mut arguments = basis_arguments(basis);
        match &self.expansion {
            Expansion::Plain => {}
            Expansion::Evaluated { range, fill, .. } => {
                if let Some(range) = range {
                    arguments.push(format!("range={}:{}", number_text(range.lo()), number_text(range.hi())));
                }
                if let Some(fill) = fill {
                    arguments.push(format!("fill={}", number_text(*fill)));
                }
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
        }
        write!(f, " : {}", basis.name())?;
        if arguments.is_empty() { Ok(()) } else { write!(f, "({})", arguments.join(", ")) }
    }
}

/// The arguments of a basis: required ones by place, others by name where they are not the default.
fn basis_arguments(basis: &Basis) -> Vec<String> {
    let mut arguments = Vec::new();
    for (parameter, value) in basis.parameters() {
        if parameter.required {
            arguments.push(value.to_string());
        } else if value != parameter.default {
            arguments.push(format!("{}={}", parameter.name, value));
        }
    }
    arguments
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
pub(super) fn quoted_name(name: &str) -> String {
    let special = |c: char| c.is_whitespace() || c.is_control() || r#":*@[]()'",="#.contains(c);
    if name.is_empty() || name.contains(special) || Signal::RESERVED.contains(&name) {
        quote(name)
    } else {
        name.into()
    }
}

/// The name of a column, in quotes where it would read as something else.
pub(super) fn quoted_column(column: &str) -> String {
    if column.is_empty() || column.contains(['[', ']', '\'', '"']) || column.trim() != column {
        quote(column)
    } else {
        column.into()
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
