//! What a basis says about its parameters.
//!
//! The command line reads `name(8, width=2.5)` and prints it back without knowing any basis: each member
//! declares its parameters here, and takes and returns their values in that order.

use std::fmt;

use crate::{Error, Result};

/// One parameter of a basis: its name as a person types it, and its default. The kind of the default is the
/// kind of value it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name as a person types it.
    pub name: &'static str,
    /// The value taken when none is given; for a required parameter only its kind counts.
    pub default: Value,
    /// Whether it has to be given.
    pub required: bool,
}

/// The value of a parameter. Its text is what a person types: `8`, `2.5`, `true`, `[1, 3, 9]`, `1:4`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number, 0 or more.
    Count(usize),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Numbers, in an order that matters.
    Numbers(Vec<f64>),
    /// Whole numbers: how many from 0 on (`3`), from the first to before the last (`1:4`), or one by one
    /// (`[1, 3, 5]`).
    Frequencies(Vec<usize>),
}

impl Value {
    /// What a person should type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Count(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Numbers(_) => "numbers in brackets, as in [1, 3, 9]",
            Self::Frequencies(_) => {
                "how many frequencies, or the first and the one behind the last, as in 1:4"
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Number(x) => f.write_str(&number_text(*x)),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Numbers(all) => {
                let texts: Vec<String> = all.iter().map(|&x| number_text(x)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Frequencies(all) => match (all.first(), all.last()) {
                (Some(&first), Some(&last)) if all.iter().copied().eq(first..=last) => match first {
                    0 => write!(f, "{}", last + 1),
                    _ => write!(f, "{first}:{}", last + 1),
                },
                _ => {
                    let texts: Vec<String> = all.iter().map(usize::to_string).collect();
                    write!(f, "[{}]", texts.join(", "))
                }
            },
        }
    }
}

/// Of the two texts that read back to the same number, the decimal one unless the other is much shorter.
pub fn number_text(x: f64) -> String {
    let (decimal, scientific) = (format!("{x}"), format!("{x:e}"));
    if scientific.len() + 2 < decimal.len() { scientific } else { decimal }
}

/// A basis that can be made from the values of its parameters.
pub trait Declare: Sized {
    /// The parameters in the order in which they are given.
    const PARAMETERS: &'static [Parameter];

    /// The basis with these values, in the order and of the kinds of [`Self::PARAMETERS`].
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a value outside its domain, or values of other kinds.
    fn from_values(values: &[Value]) -> Result<Self>;

    /// The values, in the order of [`Self::PARAMETERS`].
    fn values(&self) -> Vec<Value>;

    /// The error of [`Self::from_values`] for values of other kinds.
    fn wrong_values(values: &[Value]) -> Error {
        let names: Vec<&str> = Self::PARAMETERS.iter().map(|parameter| parameter.name).collect();
        let expected = if names.is_empty() { "none".into() } else { names.join(", ") };
        let help = "give the values in the order of the parameters";
        Error::argument("values of a basis", expected, format!("{values:?}"), help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_they_are_typed() {
        let frequencies = |all: &[usize]| Value::Frequencies(all.to_vec()).to_string();
        assert_eq!(frequencies(&[0, 1, 2]), "3");
        assert_eq!(frequencies(&[1, 2, 3]), "1:4");
        assert_eq!(frequencies(&[1, 3]), "[1, 3]");
        assert_eq!(frequencies(&[]), "[]");
        assert_eq!(Value::Numbers(vec![1.0, 0.5, 1e12]).to_string(), "[1, 0.5, 1e12]");
        assert_eq!(number_text(0.001), "0.001");
    }
}
