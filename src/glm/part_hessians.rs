//! Hessians over parts of the rows, from those over all rows: what a part leaves out is few rows, so that those of all folds together
//! cost about as much as one over all rows.

use std::collections::HashMap;
use std::sync::Arc;

use super::certificate::{Reported, read_back};
use super::inputs::Response;
use super::solve::Kept;
use crate::Result;
use crate::backend::{Backend, Every, Model};
use crate::design::{Column, DesignPlan, Rows};
use crate::math::dense::Matrix;
use crate::objective::{GlmObjective, Objective, Packed, Weight};

/// The rows of `all`, ascending, that are not in `some`.
fn others(all: &Rows, some: &Rows) -> Rows {
    let mut some = some.iter().peekable();
    let is_other = |row: &usize| {
        while some.next_if(|own| own < row).is_some() {}
        some.next_if_eq(row).is_none()
    };
    all.iter().filter(is_other).collect()
}

/// Hessians of the losses over the rows of `part`, one for each that is kept, from `H_all` with total weight `W`: those of the rows
/// that the part leaves out are taken from it, `H = (W H_all - W' H') / (W - W')`. What is kept comes in lists of one for each
/// response; of one that is not fitted it is empty, and stays so.
///
/// Where only the rows that are left out see a direction, rounding of the numbers of the backend remains of it, and the
/// penalty, which is to be added.
///
/// # Errors
/// If the backend fails.
pub(super) fn hessians<'d, B: Backend>(
    on: &B,
    (plan, part): (&DesignPlan<'d>, &DesignPlan<'d>),
    (columns, varying): (&[Column], &[usize]),
    (model, response): (Model, &Response),
    kept: &[&[Kept]],
) -> Result<Vec<Arc<Matrix>>> {
    let left_out = plan.with_rows(others(plan.rows(), part.rows()));
    let y = Packed::new(response.y, left_out.rows());
    let mut f = GlmObjective::new(on, &left_out, columns, &y, model)?;
    let [all, own, others] = [plan, part, &left_out].map(DesignPlan::total_weight);
    let mut found: HashMap<*const Matrix, Arc<Matrix>> = HashMap::new();
    let mut hessians = Vec::with_capacity(kept.iter().map(|kept| kept.len()).sum());
    for kept in kept {
        for (target, Kept { hessian, at }) in kept.iter().enumerate() {
            let known = found.get(&Arc::as_ptr(hessian)).cloned();
            let of_part = match known {
                Some(known) => known,
                None if hessian.is_empty() => Arc::clone(hessian),
                None => {
                    let reported = Reported { coef: at.coef.clone(), intercept: at.intercept };
                    let at = read_back(plan.scaling(), &reported, varying);
                    let of_others = f.gram(Every::ROW, Weight::Point { target, at: &at })?;
                    Arc::new((hessian.as_ref() * all - of_others * others) / own)
                }
            };
            found.insert(Arc::as_ptr(hessian), Arc::clone(&of_part));
            hessians.push(of_part);
        }
    }
    Ok(hessians)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_rest() {
        let all = Rows::from_ranges([0..3, 5..8]);
        let some: Rows = [1, 2, 4, 7].into_iter().collect();
        assert_eq!(others(&all, &some).iter().collect::<Vec<_>>(), [0, 5, 6]);
        assert!(others(&all, &all).is_empty());
    }
}
