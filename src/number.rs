//! `f64` in JSON, so that every number survives.
//!
//! JSON has no NaN and no infinity, and `serde_json` writes them as `null`, which reads back as nothing. Here they
//! are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`; every other number, -0 and the subnormal ones
//! included, is a JSON number of as many digits as it takes to read back the same bits. (A NaN comes back as a
//! NaN, its payload is not kept.)
//!
//! A field asks for it by one attribute, whatever its shape:
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Target {
//!     #[serde(with = "rheobase::number")]
//!     coef: Vec<f64>,
//!     #[serde(with = "rheobase::number")]
//!     intercept: f64,
//! }
//!
//! let text = serde_json::to_string(&Target { coef: vec![0.1, f64::NAN], intercept: f64::NEG_INFINITY })?;
//! assert_eq!(text, r#"{"coef":[0.1,"NaN"],"intercept":"-Infinity"}"#);
//! let back: Target = serde_json::from_str(&text)?;
//! assert!(back.coef[0] == 0.1 && back.coef[1].is_nan() && back.intercept == f64::NEG_INFINITY);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! It stands on the lowest floor because model structs far below the writers carry the attribute.

use std::fmt;

use ndarray::{Array1, Array2};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Text of a number that JSON cannot hold; `None` if it is finite.
pub fn non_finite_name(x: f64) -> Option<&'static str> {
    if x.is_nan() {
        Some("NaN")
    } else if x == f64::INFINITY {
        Some("Infinity")
    } else if x == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// The number that a text of [`non_finite_name`] stands for.
pub fn from_non_finite_name(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A number as a JSON value, never `null`.
pub fn to_value(x: f64) -> Value {
    match non_finite_name(x) {
        Some(name) => Value::from(name),
        None => Value::from(x),
    }
}

/// The number in a JSON value that [`to_value`] wrote; `None` if it is no number.
pub fn from_value(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => from_non_finite_name(text),
        other => other.as_f64(),
    }
}

/// Writes a field marked `#[serde(with = "rheobase::number")]`.
///
/// # Errors
/// What the serializer says.
pub fn serialize<T: Numbers, S: Serializer>(numbers: &T, serializer: S) -> Result<S::Ok, S::Error> {
    numbers.write(serializer)
}

/// Reads such a field.
///
/// # Errors
/// What the deserializer says, or that a text is none of the three names.
pub fn deserialize<'de, T: Numbers, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Numbers in some shape: one, a list, a matrix as a list of its rows, or perhaps none.
pub trait Numbers: Sized {
    /// Writes them.
    ///
    /// # Errors
    /// What the serializer says.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads them.
    ///
    /// # Errors
    /// What the deserializer says, or that a text is none of the three names, or that rows differ in length.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl Numbers for f64 {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match non_finite_name(*self) {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_f64(*self),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Read<T>>::deserialize(deserializer)?.into_iter().map(|item| item.0).collect())
    }
}

/// `None` is `null`; a field that may be missing also needs `#[serde(default)]`.
impl<T: Numbers> Numbers for Option<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(numbers) => serializer.serialize_some(&Written(numbers)),
            None => serializer.serialize_none(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|item| item.0))
    }
}

impl Numbers for Array1<f64> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<f64>::read(deserializer).map(Self::from)
    }
}

/// A list of rows; a matrix without rows comes back as (0, 0).
impl Numbers for Array2<f64> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<Vec<f64>> = self.outer_iter().map(|row| row.to_vec()).collect();
        rows.write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<Vec<f64>>::read(deserializer)?;
        let shape = (rows.len(), rows.first().map_or(0, Vec::len));
        if let Some(row) = rows.iter().position(|row| row.len() != shape.1) {
            let found = rows[row].len();
            return Err(de::Error::custom(format!("row {row}: expected {} numbers, found {found}", shape.1)));
        }
        Self::from_shape_vec(shape, rows.concat()).map_err(de::Error::custom)
    }
}

/// Numbers on their way out.
struct Written<'a, T>(&'a T);

impl<T: Numbers> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Numbers on their way in.
struct Read<T>(T);

impl<'de, T: Numbers> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<f64, E> {
        Ok(x)
    }

    fn visit_i64<E: de::Error>(self, x: i64) -> Result<f64, E> {
        Ok(x as f64)
    }

    fn visit_u64<E: de::Error>(self, x: u64) -> Result<f64, E> {
        Ok(x as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        from_non_finite_name(text).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[derive(Serialize, Deserialize)]
    struct All {
        #[serde(with = "crate::number")]
        one: f64,
        #[serde(with = "crate::number")]
        list: Vec<f64>,
        #[serde(with = "crate::number")]
        ragged: Vec<Vec<f64>>,
        #[serde(with = "crate::number", default)]
        perhaps: Option<f64>,
        #[serde(with = "crate::number", default)]
        perhaps_list: Option<Vec<f64>>,
        #[serde(with = "crate::number")]
        vector: Array1<f64>,
        #[serde(with = "crate::number")]
        matrix: Array2<f64>,
    }

    /// Numbers that careless formats lose.
    fn awkward() -> Vec<f64> {
        let mut numbers = vec![
            0.0,
            -0.0,
            1.0,
            0.1,
            1.0 / 3.0,
            -1e300,
            f64::MAX,
            f64::MIN,
            f64::EPSILON,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            2.225_073_858_507_201e-308,
            9_007_199_254_740_993.0,
            1e22,
            1e23,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        // and a walk through all exponents with changing mantissas
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                numbers.push(x);
            }
        }
        numbers
    }

    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }

    #[test]
    fn every_shape_reads_back_bit_exactly() {
        let numbers = awkward();
        assert!(numbers.len() > 19_000);
        let all = All {
            one: f64::NEG_INFINITY,
            list: numbers.clone(),
            ragged: vec![vec![], vec![f64::NAN, -0.0], vec![5e-324]],
            perhaps: Some(f64::NAN),
            perhaps_list: None,
            vector: Array1::from(numbers.clone()),
            matrix: array![[1.0, f64::INFINITY], [-0.0, 0.1]],
        };
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.contains(r#""perhaps":"NaN","perhaps_list":null"#), "null only where nothing is");
        let back: All = serde_json::from_str(&text).unwrap();
        assert!(same(back.one, all.one) && back.perhaps.unwrap().is_nan() && back.perhaps_list.is_none());
        assert!(numbers.iter().zip(&back.list).all(|(&a, &b)| same(a, b)));
        assert!(numbers.iter().zip(&back.vector).all(|(&a, &b)| same(a, b)));
        assert_eq!(back.ragged[1][1].to_bits(), (-0.0f64).to_bits());
        assert_eq!(back.matrix, all.matrix);
        // and through the value type
        let back: All = serde_json::from_value(serde_json::to_value(&all).unwrap()).unwrap();
        assert!(numbers.iter().zip(&back.list).all(|(&a, &b)| same(a, b)));
    }

    #[test]
    fn values_are_never_null() {
        for x in awkward() {
            let value = to_value(x);
            assert!(!value.is_null());
            assert!(same(from_value(&value).unwrap(), x));
        }
        assert!(from_value(&Value::Null).is_none() && from_value(&Value::from("nan")).is_none());
    }

    #[test]
    fn integers_are_read_and_other_texts_are_not() {
        #[derive(Debug, Deserialize)]
        struct One {
            #[serde(with = "crate::number")]
            x: f64,
        }
        assert_eq!(serde_json::from_str::<One>(r#"{"x": 3}"#).unwrap().x, 3.0);
        assert_eq!(serde_json::from_str::<One>(r#"{"x": -3}"#).unwrap().x, -3.0);
        for wrong in [r#"{"x": null}"#, r#"{"x": "nan"}"#, r#"{"x": "1.0"}"#, r#"{"x": [1]}"#] {
            let error = serde_json::from_str::<One>(wrong).unwrap_err().to_string();
            assert!(error.contains("a number, \"NaN\""), "{error}");
        }
    }

    #[test]
    fn a_matrix_with_unequal_rows_is_refused() {
        #[derive(Debug, Deserialize)]
        struct One {
            #[serde(with = "crate::number")]
            #[allow(dead_code)]
            m: Array2<f64>,
        }
        let error = serde_json::from_str::<One>(r#"{"m": [[1, 2], [3]]}"#).unwrap_err().to_string();
        assert!(error.contains("row 1: expected 2 numbers, found 1"), "{error}");
    }
}
