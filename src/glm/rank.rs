//! Rank of a design, a well-conditioned basis of its columns, and the answer of smallest norm.
//!
//! Columns are taken in their order. One whose variance the earlier ones explain almost (all but a millionth) would
//! make every solver work with differences of large numbers. It is replaced by what is left of it: its residual on
//! the others, computed from the rows themselves (a Gram matrix has lost those digits) and scaled to variance 1. If
//! almost nothing is left, compared with the combination that leaves it, the column has no member. Where the relation
//! is exact the fit is then moved along it to the point where the Euclidean norm of the coefficients, in the user's
//! units, is smallest: the prediction does not change. Where it is not exact that would change the prediction, and
//! the coefficient of the column is 0.

use ndarray::Axis;

use crate::design::{Column, DesignPlan};
use crate::math::dense::{Cholesky, Matrix};

/// A column is replaced by its residual if the others explain all but this part of its variance.
const WEAK: f64 = 1e-6;
/// A column is aliased if what the others leave of it is this part of the combination or less: a coefficient larger
/// by the inverse would drown the optimum in the rounding of what is reported.
pub(super) const ALIASED: f64 = 1e-7;
/// A relation is exact if what it leaves is this many roundings of the values that it is made of.
const EXACT: f64 = 64.0 * f64::EPSILON;
/// A column takes part in a relation if its factor is larger than this part of the largest.
pub(super) const TAKES_PART: f64 = 1e-6;
/// Rounds of removing the others from a column: each leaves the rounding of the one before.
const ROUNDS: usize = 3;

/// One column of the design that is fitted, as it is scaled: mean 0 and variance 1, without an intercept mean square 1.
#[derive(Clone, Debug)]
enum Member {
    /// A column as it is, centred and scaled.
    Column(usize),
    /// What the members before it leave of a column, one value per used row.
    Residual(Vec<f64>),
}

/// Which columns are fitted and how their coefficients become those of all columns.
#[derive(Clone, Debug)]
pub(super) struct Rank {
    members: Vec<Member>,
    /// Columns that take part in a linear relation (a constant column is one by itself), ascending.
    pub(super) aliased: Vec<usize>,
    /// Those of them that are too close to a combination of others to be told apart, but not equal to it: they have
    /// no member, and their coefficient is 0.
    pub(super) left_out: Vec<usize>,
    /// Why: of each column without a member what makes it up, constant ones first.
    pub(super) relations: Vec<Relation>,
    /// From parameters of the members to coefficients of all columns, centred and scaled: shape (columns, members).
    pub(super) to_standard: Matrix,
    /// The same in the user's units, moved to the smallest norm.
    pub(super) to_user: Matrix,
}

/// Columns that vary, ascending.
pub(super) fn varying(plan: &DesignPlan) -> Vec<usize> {
    (0..plan.n_columns()).filter(|&column| plan.scaling().sd[column] > 0.0).collect()
}

impl Rank {
    /// The rank from `gram`, that of the `varying` columns as they are scaled, whatever weights rows have.
    pub(super) fn new(plan: &DesignPlan, varying: &[usize], gram: &Matrix) -> Self {
        let strong = strong(gram);
        let own =
            (strong.len() < varying.len()).then(|| gram.select(Axis(0), &strong).select(Axis(1), &strong));
        Self::of(plan, varying, &strong, own.as_ref())
    }

    /// The rank from the positions of columns that are known to be independent, and their Gram unless they are all.
    fn of(plan: &DesignPlan, varying: &[usize], strong: &[usize], gram: Option<&Matrix>) -> Self {
        let n_columns = plan.n_columns();
        let mut basis = Basis::new(plan, strong.iter().map(|&k| varying[k]).collect(), gram);
        let constant = (0..n_columns).filter(|column| !varying.contains(column));
        let mut relations: Vec<Relation> = constant
            .map(|column| Relation { column, factors: unit(n_columns, column), exact: true })
            .collect();
        let mut left_out = Vec::new();
        for k in (0..varying.len()).filter(|k| !strong.contains(k)) {
            if let Some(relation) = basis.take(plan, varying[k]) {
                left_out.extend((!relation.exact).then_some(varying[k]));
                relations.push(relation);
            }
        }
        let mut aliased = vec![false; n_columns];
        for Relation { factors, .. } in &relations {
            let largest = factors.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            for (aliased, factor) in aliased.iter_mut().zip(factors) {
                *aliased |= factor.abs() > TAKES_PART * largest;
            }
        }
        let mut to_standard = Matrix::zeros((n_columns, basis.members.len()));
        for (mut column, factors) in to_standard.columns_mut().into_iter().zip(&basis.factors) {
            column.iter_mut().zip(factors).for_each(|(to, &factor)| *to = factor);
        }
        let exact = relations.iter().filter(|relation| relation.exact);
        let nulls = exact.map(|relation| relation.factors.clone()).collect();
        let to_user = smallest_norm(&plan.scaling().sd, &to_standard, nulls);
        let aliased = (0..n_columns).filter(|&column| aliased[column]).collect();
        Self { members: basis.members, aliased, left_out, relations, to_standard, to_user }
    }

    /// The rank of a design whose `varying` columns are known to be independent.
    pub(super) fn plain(plan: &DesignPlan, varying: &[usize]) -> Self {
        let all: Vec<usize> = (0..varying.len()).collect();
        Self::of(plan, varying, &all, None)
    }

    /// The number of independent columns.
    pub(super) fn n_members(&self) -> usize {
        self.members.len()
    }

    /// The columns to place.
    pub(super) fn columns(&self) -> Vec<Column<'_>> {
        let mut columns = Vec::with_capacity(self.members.len());
        for member in &self.members {
            columns.push(match member {
                Member::Column(column) => Column::Source(*column),
                Member::Residual(values) => Column::Values(values),
            });
        }
        columns
    }

    /// The roundings of each member in parts of its own magnitude: one that is what others leave of a column has those of the
    /// columns that it is the difference of.
    pub(super) fn roundings(&self) -> Vec<f64> {
        let sizes = self.to_standard.columns().into_iter();
        sizes.map(|factors| factors.iter().map(|factor| factor.abs()).sum::<f64>().max(1.0)).collect()
    }

    /// Whether the members are these columns, all of them.
    pub(super) fn is_whole(&self, varying: &[usize]) -> bool {
        self.n_members() == varying.len() && self.are_columns()
    }

    /// Whether the members are columns as they are.
    fn are_columns(&self) -> bool {
        self.members.iter().all(|member| matches!(member, Member::Column(_)))
    }

    /// Whether the members are the columns themselves, all of them.
    pub(super) fn is_plain(&self) -> bool {
        self.aliased.is_empty() && self.are_columns()
    }
}

/// Positions of columns that keep a good part of their variance beside those before them.
fn strong(gram: &Matrix) -> Vec<usize> {
    let p = gram.nrows();
    if Cholesky::new(gram).is_some_and(|factor| factor.jitter() == 0.0 && factor.smallest_pivot() > WEAK) {
        return (0..p).collect();
    }
    let (mut rows, mut kept): (Vec<Vec<f64>>, Vec<usize>) = (Vec::new(), Vec::new());
    for j in 0..p {
        let mut row: Vec<f64> = Vec::with_capacity(rows.len() + 1);
        for (k, &earlier) in kept.iter().enumerate() {
            let known: f64 = rows[k][..k].iter().zip(&row).map(|(a, b)| a * b).sum();
            row.push((gram[(j, earlier)] - known) / rows[k][k]);
        }
        let left = gram[(j, j)] - row.iter().map(|x| x * x).sum::<f64>();
        if left > WEAK * gram[(j, j)] {
            row.push(left.sqrt());
            rows.push(row);
            kept.push(j);
        }
    }
    kept
}

fn unit(n: usize, at: usize) -> Vec<f64> {
    (0..n).map(|k| f64::from(u8::from(k == at))).collect()
}

/// A combination of the standardised columns that is 0, or nearly.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// The column that the others make up.
    pub(super) column: usize,
    /// One per column; 1 for that one.
    pub(super) factors: Vec<f64>,
    pub(super) exact: bool,
}

/// The members so far.
struct Basis {
    members: Vec<Member>,
    /// Each member as a combination of the standardised columns.
    factors: Vec<Vec<f64>>,
    /// Columns taken as they are, and the factor of their Gram; the residuals are orthogonal to them.
    columns: Vec<usize>,
    gram: Option<Cholesky>,
}

impl Basis {
    fn new(plan: &DesignPlan, columns: Vec<usize>, gram: Option<&Matrix>) -> Self {
        Self {
            members: columns.iter().map(|&column| Member::Column(column)).collect(),
            factors: columns.iter().map(|&column| unit(plan.n_columns(), column)).collect(),
            gram: gram.and_then(Cholesky::new),
            columns,
        }
    }

    /// Adds what the members leave of a column, or returns its relation to them.
    fn take(&mut self, plan: &DesignPlan, column: usize) -> Option<Relation> {
        let n = plan.n_rows() as f64;
        let mut left = plan.standardised(column);
        let mut removed = vec![0.0; self.members.len()];
        for _ in 0..ROUNDS {
            let mut along: Vec<f64> = plan.products(&self.columns, &left).iter().map(|sum| sum / n).collect();
            if let Some(gram) = &self.gram {
                along = gram.solve(&along);
            }
            for member in &self.members[self.columns.len()..] {
                if let Member::Residual(values) = member {
                    along.push(values.iter().zip(&left).map(|(a, b)| a * b).sum::<f64>() / n);
                }
            }
            plan.subtract(&self.columns, &along, &mut left);
            for (member, &factor) in self.members.iter().zip(&along) {
                if let Member::Residual(values) = member {
                    left.iter_mut().zip(values).for_each(|(left, value)| *left -= factor * value);
                }
            }
            if plan.has_intercept() {
                let mean = left.iter().sum::<f64>() / n;
                left.iter_mut().for_each(|left| *left -= mean);
            }
            removed.iter_mut().zip(along).for_each(|(removed, along)| *removed += along);
        }
        let deviation = (left.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
        let mut factors = unit(plan.n_columns(), column);
        for (own, removed) in self.factors.iter().zip(removed) {
            factors.iter_mut().zip(own).for_each(|(factor, own)| *factor -= removed * own);
        }
        let size = factors.iter().map(|x| x * x).sum::<f64>().sqrt();
        if deviation <= ALIASED * size {
            let scaling = plan.scaling();
            let values = |column: usize| {
                if scaling.sd[column] > 0.0 {
                    scaling.mean[column].abs() / scaling.sd[column] + 1.0
                } else {
                    1.0
                }
            };
            let rounding: f64 = factors.iter().enumerate().map(|(k, factor)| factor.abs() * values(k)).sum();
            return Some(Relation { column, factors, exact: deviation <= EXACT * rounding });
        }
        left.iter_mut().for_each(|left| *left /= deviation);
        factors.iter_mut().for_each(|factor| *factor /= deviation);
        self.members.push(Member::Residual(left));
        self.factors.push(factors);
        None
    }
}

/// Brings coefficients to the user's units and projects out the null space there.
fn smallest_norm(sd: &[f64], to_standard: &Matrix, nulls: Vec<Vec<f64>>) -> Matrix {
    let per_unit = |column: usize| if sd[column] > 0.0 { 1.0 / sd[column] } else { 1.0 };
    let mut to_user = to_standard.clone();
    for (column, mut row) in to_user.rows_mut().into_iter().enumerate() {
        row.iter_mut().for_each(|factor| *factor *= per_unit(column));
    }
    // an orthonormal basis of the null space by two rounds of Gram-Schmidt
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for null in nulls {
        let mut direction: Vec<f64> =
            null.iter().enumerate().map(|(column, factor)| factor * per_unit(column)).collect();
        // squares must neither overflow nor vanish
        let largest = direction.iter().fold(f64::MIN_POSITIVE, |a: f64, b| a.max(b.abs()));
        direction.iter_mut().for_each(|x| *x /= largest);
        for _ in 0..2 {
            for other in &basis {
                let along: f64 = direction.iter().zip(other).map(|(a, b)| a * b).sum();
                direction.iter_mut().zip(other).for_each(|(d, o)| *d -= along * o);
            }
            let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            direction.iter_mut().for_each(|x| *x /= norm);
        }
        basis.push(direction);
    }
    for mut column in to_user.columns_mut() {
        for null in &basis {
            let along: f64 = column.iter().zip(null).map(|(a, b)| a * b).sum();
            column.iter_mut().zip(null).for_each(|(w, n)| *w -= along * n);
        }
    }
    to_user
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Source;
    use ndarray::Array2;

    fn rank_of(x: &Array2<f64>) -> Rank {
        let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: x.view().into() };
        let plan = DesignPlan::new(vec![source], 0..x.nrows()).unwrap();
        let varying = varying(&plan);
        let columns: Vec<Vec<f64>> = varying.iter().map(|&column| plan.standardised(column)).collect();
        let n = x.nrows() as f64;
        let gram = Matrix::from_shape_fn((columns.len(), columns.len()), |(i, j)| {
            columns[i].iter().zip(&columns[j]).map(|(a, b)| a * b).sum::<f64>() / n
        });
        Rank::new(&plan, &varying, &gram)
    }

    fn wave(row: usize, frequency: f64) -> f64 {
        (row as f64 * frequency).sin()
    }

    #[test]
    fn a_duplicate_shares_its_weight_and_a_constant_has_none() {
        let rank = rank_of(&Array2::from_shape_fn((50, 3), |(row, j)| match j {
            0 => wave(row, 1.0),
            1 => 2.0 * wave(row, 1.0) + 5.0,
            _ => 7.0,
        }));
        assert_eq!((rank.n_members(), rank.aliased.as_slice()), (1, &[0, 1, 2][..]));
        // w0 + 2 w1 = w with the smallest norm: w (1, 2) / 5
        assert!((rank.to_user[(1, 0)] / rank.to_user[(0, 0)] - 2.0).abs() < 1e-12);
        assert_eq!(rank.to_user[(2, 0)], 0.0);
    }

    #[test]
    fn independent_columns_are_all_kept_as_they_are() {
        let rank = rank_of(&Array2::from_shape_fn((50, 2), |(row, j)| wave(row, 1.0 + j as f64)));
        assert!(rank.is_plain() && rank.n_members() == 2);
    }

    #[test]
    fn only_those_in_a_relation_are_aliased() {
        let rank = rank_of(&Array2::from_shape_fn((80, 4), |(row, j)| match j {
            3 => wave(row, 1.0) - 3.0 * wave(row, 3.0),
            j => wave(row, 1.0 + j as f64),
        }));
        assert_eq!((rank.n_members(), rank.aliased.as_slice()), (3, &[0, 2, 3][..]));
    }

    #[test]
    fn what_is_left_of_a_nearly_dependent_column_keeps_its_digits() {
        let x = Array2::from_shape_fn((200, 2), |(row, j)| wave(row, 1.0) + j as f64 * 1e-5 * wave(row, 2.0));
        let rank = rank_of(&x);
        assert_eq!((rank.n_members(), rank.aliased.len()), (2, 0));
        let Member::Residual(left) = &rank.members[1] else { panic!("{rank:?}") };
        let expected = |row: usize| wave(row, 2.0);
        let product: f64 =
            left.iter().enumerate().map(|(row, left)| left * expected(row)).sum::<f64>() / 200.0;
        assert!((product.abs() / (0.5f64).sqrt() - 1.0).abs() < 1e-2, "{product}");
    }
}
