//! What a basis says about its parameters.
//!
//! The command line reads `name(8, width=2.5)` and prints it back without knowing any basis: each member
//! declares its parameters here, and takes and returns their values in that order.

use crate::Result;

/// One parameter of a basis: its name as a person types it, and its default. The kind of the default is the
/// kind of value it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name as a person types it.
    pub name: &'static str,
    /// The value taken when none is given; for a required parameter only its kind counts.
    pub default: Value,
    /// Whether it has to be given.
    pub required: bool,
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number, 0 or more.
    Count(usize),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
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
}
