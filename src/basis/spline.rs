//! What the splines on clamped knots share: their parameters, knots and the values of B-splines.

use ndarray::ArrayViewMut1;
use serde::{Deserialize, Serialize};

use super::{Parameter, Value, check_most};
use crate::{Error, Result};

/// Order of a cubic spline.
pub(super) const ORDER: usize = 4;

/// The highest order: pieces of a higher degree are nothing but rounding errors.
const MOST_ORDER: usize = 32;

/// Parameters of every spline.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter { name: "n-functions", default: Value::Count(0), required: true },
    Parameter { name: "order", default: Value::Count(ORDER), required: false },
];

/// `B` functions of order `k` (degree k - 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub(super) n_functions: usize,
    pub(super) order: usize,
}

impl Shape {
    /// Refuses fewer functions than their order, and orders below `least`.
    pub(super) fn check(self, basis: &str, least: usize) -> Result<Self> {
        let Self { n_functions, order } = self;
        if order < least || order > MOST_ORDER {
            return Err(Error::argument(
                format!("order of {basis}"),
                if order < least { format!("{least} or more") } else { format!("at most {MOST_ORDER}") },
                order.to_string(),
                "use order=4 (cubic pieces, the default), 3 or 2",
            ));
        }
        if n_functions < order {
            return Err(Error::argument(
                format!("number of functions of {basis}"),
                format!("{order} or more, its order"),
                n_functions.to_string(),
                format!("give more functions, as in {basis}(10), or a lower order"),
            ));
        }
        check_most(basis, n_functions)?;
        Ok(self)
    }

    /// The shape from the values of [`PARAMETERS`]; `None` for values of other kinds.
    pub(super) fn from_values(values: &[Value]) -> Option<Self> {
        match *values {
            [Value::Count(n_functions), Value::Count(order)] => Some(Self { n_functions, order }),
            _ => None,
        }
    }

    pub(super) fn values(self) -> Vec<Value> {
        vec![Value::Count(self.n_functions), Value::Count(self.order)]
    }

    /// Pieces between the interior knots.
    fn n_spans(self) -> usize {
        self.n_functions + 1 - self.order
    }

    /// Knot number j of `[0] * (k-1), linspace(0, 1, B-k+2), [1] * (k-1)`.
    pub(super) fn knot(self, j: usize) -> f64 {
        let inner = j.saturating_sub(self.order - 1).min(self.n_spans());
        inner as f64 / self.n_spans() as f64
    }

    /// Writes the values of all B-splines at u in [0, 1], by the recursion of Cox and de Boor on the k functions
    /// that are not 0 there. The last piece is closed: u = 1 belongs to it, so that no sample falls off the end.
    pub(super) fn write(self, u: f64, mut row: ArrayViewMut1<f64>) {
        row.fill(0.0);
        let span = ((u * self.n_spans() as f64) as usize).min(self.n_spans() - 1);
        // the last knot that is not right of u
        let last = span + self.order - 1;
        row[span] = 1.0;
        for order in 2..=self.order {
            // functions span + k - order .. span + k - 1 of this order, from those of the order before
            let mut carried = 0.0;
            for r in 0..order - 1 {
                let (left, right) = (self.knot(last + r + 2 - order), self.knot(last + r + 1));
                let share = row[span + r] / (right - left);
                row[span + r] = carried + (right - u) * share;
                carried = (u - left) * share;
            }
            row[span + order - 1] = carried;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    /// The recursion word for word.
    fn slow_twin(shape: Shape, i: usize, order: usize, u: f64) -> f64 {
        let t = |j: usize| shape.knot(j);
        if order == 1 {
            let is_last = t(i + 1) == 1.0 && t(i) < 1.0;
            return f64::from(u8::from(t(i) <= u && (u < t(i + 1) || (is_last && u == 1.0))));
        }
        let part = |numerator: f64, denominator: f64, i: usize| {
            if denominator == 0.0 { 0.0 } else { numerator / denominator * slow_twin(shape, i, order - 1, u) }
        };
        part(u - t(i), t(i + order - 1) - t(i), i) + part(t(i + order) - u, t(i + order) - t(i + 1), i + 1)
    }

    #[test]
    fn equals_the_recursion_and_sums_to_one() {
        for (n_functions, order) in [(1, 1), (5, 1), (2, 2), (7, 2), (6, 3), (4, 4), (9, 4), (8, 6)] {
            let shape = Shape { n_functions, order };
            let mut row = Array1::zeros(n_functions);
            for step in 0..=97 {
                let u = f64::from(step) / 97.0;
                shape.write(u, row.view_mut());
                for i in 0..n_functions {
                    let expected = slow_twin(shape, i, order, u);
                    assert!((row[i] - expected).abs() < 1e-13, "{shape:?} {i} {u}: {} {expected}", row[i]);
                }
                assert!((row.sum() - 1.0).abs() < 1e-13);
            }
        }
    }
}
