use std::cmp::Ordering;
use std::fmt::{Display, Formatter, Result as Written};

use serde::{Deserialize, Serialize};

/// Whole numbers up to here are told apart in `f64`.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// The name of a class: numbers come before texts, each in their order.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Whether it names a class: NaN does not.
    pub fn is_one(&self) -> bool {
        !matches!(self, Self::Number(number) if number.is_nan())
    }

    /// The number, of a label that is one which `f64` holds to the last digit.
    ///
    /// ```
    /// use rheobase::observation::Label;
    /// assert_eq!([Label::from(2).exact(), Label::from("2").exact()], [Some(2.0), None]);
    /// ```
    pub fn exact(&self) -> Option<f64> {
        self.number().filter(|number| Self::from(*number) == *self)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            // 0 is the same label with either sign
            Self::Number(number) => Some(*number + 0.0),
            Self::Text(_) => None,
        }
    }

    /// An integer against another number, to the last digit.
    fn against(integer: i64, number: f64) -> Ordering {
        let exact = || i128::from(integer).cmp(&(number as i128));
        (integer as f64).total_cmp(&(number + 0.0)).then_with(exact)
    }
}

/// As [`Ord::cmp`] says, so that both agree.
impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Label {}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Integer(a), Self::Number(b)) => Self::against(*a, *b),
            (Self::Number(a), Self::Integer(b)) => Self::against(*b, *a).reverse(),
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

    #[test]
    fn equal_labels_are_those_of_one_place() {
        let above = (1 << 53) + 1;
        let same = [(Label::Number(1.0), Label::from(1)), (Label::Number(-0.0), Label::from(0))];
        let other = [
            (Label::from(above), Label::Number(WHOLE)),
            (Label::from(above), Label::from(above + 1)),
            (Label::from(1), Label::from("1")),
        ];
        for (a, b) in same {
            assert_eq!(a, b);
            assert_eq!(a.cmp(&b), Ordering::Equal);
        }
        for (a, b) in other {
            assert_ne!(a, b);
            assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        }
        let nan = Label::from(f64::NAN);
        assert_eq!(nan, nan.clone());
        assert!(!nan.is_one() && Label::from(0.5).is_one());
    }
}
