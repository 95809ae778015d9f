use std::cmp::Ordering;
use std::fmt::{Display, Formatter, Result as Written};

use serde::{Deserialize, Serialize};

/// Whole numbers up to here are told apart in `f64`.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// The name of a class: numbers come before texts, each in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Label {
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<i64> for Label {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Label {
    /// A number is the same label whether it is written as `1` or `1.0`.
    fn from(number: f64) -> Self {
        if number.fract() == 0.0 && number.abs() <= WHOLE {
            Self::Integer(number as i64)
        } else {
            Self::Number(number)
        }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter) -> Written {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Label {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl Eq for Label {}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_an_order_and_read_back() {
        let mut labels: Vec<Label> =
            vec!["b".into(), 10.0.into(), "a".into(), 2.into(), 2.5.into(), (-1.0).into()];
        labels.sort();
        let names: Vec<String> = labels.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["-1", "2", "2.5", "10", "a", "b"]);
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(text, r#"[-1,2,2.5,10,"a","b"]"#);
        assert_eq!(serde_json::from_str::<Vec<Label>>(&text).unwrap(), labels);
        assert_eq!(Label::from(3.0), Label::from(3));
    }
}
