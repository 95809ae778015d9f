//! Answers by other means: plain loops in `f64`, nothing of the program.

use ndarray::Array2;

/// How a response scatters, with the link of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Poisson,
    Softplus,
    Logit,
    Probit,
}

/// An answer: coefficients in the units of the columns, and the linear predictor where all columns are at their mean.
#[derive(Clone, Debug)]
pub(crate) struct Exact {
    pub(crate) coef: Vec<f64>,
    pub(crate) middle: f64,
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Of a standard normal variable: the logarithm of its distribution function, and its density over that, by the power series
/// or, in the tails, where neither may underflow, the continued fraction.
fn normal(x: f64) -> [f64; 2] {
    let log_density = -0.5 * x * x - 0.5 * std::f64::consts::TAU.ln();
    if x.abs() < 3.0 {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while term.abs() > 1e-18 * sum.abs() {
            k += 2.0;
            term *= x * x / k;
            sum += term;
        }
        let p = 0.5 + log_density.exp() * sum;
        return [p.ln(), log_density.exp() / p];
    }
    let a = x.abs();
    let fraction = (1..200).rev().fold(a, |below, k| a + f64::from(k) / below);
    if x < 0.0 {
        return [log_density - fraction.ln(), fraction];
    }
    let tail = log_density.exp() / fraction;
    [(-tail).ln_1p(), log_density.exp() / (1.0 - tail)]
}

impl Family {
    /// Loss, slope and a curvature (Fisher) of a response at a linear predictor.
    fn terms(self, y: f64, eta: f64) -> [f64; 3] {
        match self {
            Self::Poisson => [eta.exp() - y * eta, eta.exp() - y, eta.exp()],
            Self::Softplus => {
                let (mu, slope) = (softplus(eta), 1.0 / (1.0 + (-eta).exp()));
                let log = if y == 0.0 { 0.0 } else { y * mu.ln() };
                [mu - log, (1.0 - y / mu) * slope, slope * slope / mu]
            }
            Self::Logit => {
                let p = 1.0 / (1.0 + (-eta).exp());
                [softplus(eta) - y * eta, p - y, p / (1.0 + eta.exp())]
            }
            Self::Probit => {
                let side = 2.0 * y - 1.0;
                let ([log, over], [_, over_other]) = (normal(side * eta), normal(-side * eta));
                [-log, -side * over, over * over_other]
            }
        }
    }

    /// The linear predictor of a mean.
    fn link(self, mean: f64) -> f64 {
        match self {
            Self::Poisson => mean.ln(),
            Self::Softplus => mean.exp_m1().ln(),
            Self::Logit => (mean / (1.0 - mean)).ln(),
            Self::Probit => 0.0,
        }
    }
}

/// Solves `a x = b` by elimination with pivots.
pub(crate) fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, pivot);
        b.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[i][k] / a[k][k];
            let above = a[k].clone();
            a[i].iter_mut().zip(&above).for_each(|(x, above)| *x -= factor * above);
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}

/// The columns centred and divided by their standard deviation, each row with a 1 before them, and these deviations.
fn standardised(x: &Array2<f64>) -> (Vec<Vec<f64>>, Vec<f64>) {
    let n = x.nrows() as f64;
    let mut rows = vec![vec![1.0]; x.nrows()];
    let mut sds = Vec::new();
    for column in x.columns() {
        let first = column[0];
        let mean = column.iter().map(|x| x - first).sum::<f64>() / n;
        let centred: Vec<f64> = column.iter().map(|x| x - first - mean).collect();
        let sd = (centred.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
        rows.iter_mut().zip(&centred).for_each(|(row, x)| row.push(x / sd));
        sds.push(sd);
    }
    (rows, sds)
}

/// The maximum of the likelihood by Newton's method (Fisher scoring) with halved steps.
pub(crate) fn newton(family: Family, x: &Array2<f64>, y: &Array2<f64>) -> Exact {
    let (rows, sds) = standardised(x);
    let (n, p) = (x.nrows() as f64, sds.len() + 1);
    let dot = |row: &[f64], w: &[f64]| row.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let loss = |w: &[f64]| {
        let terms = rows.iter().zip(y).map(|(row, &y)| family.terms(y, dot(row, w))[0]);
        terms.sum::<f64>() / n
    };
    let mut w = vec![0.0; p];
    w[0] = family.link(y.sum() / n);
    let mut last = f64::INFINITY;
    for _ in 0..500 {
        let (mut gradient, mut hessian) = (vec![0.0; p], vec![vec![0.0; p]; p]);
        for (row, &y) in rows.iter().zip(y) {
            let [_, slope, curvature] = family.terms(y, dot(row, &w));
            for i in 0..p {
                gradient[i] -= slope * row[i];
                hessian[i].iter_mut().zip(row).for_each(|(h, x)| *h += curvature * row[i] * x);
            }
        }
        let step = eliminate(hessian, gradient);
        let (before, mut length) = (loss(&w), 1.0);
        let reach = rows.iter().map(|row| dot(row, &step).abs()).fold(0.0, f64::max);
        let at = |length: f64| -> Vec<f64> { w.iter().zip(&step).map(|(w, d)| w + length * d).collect() };
        // near the optimum losses have no digits left for a comparison
        while reach * length > 1e-5 && (loss(&at(length)) > before || loss(&at(length)).is_nan()) {
            length *= 0.5;
        }
        w = at(length);
        // steps that no longer shrink are rounding
        if reach < 1e-13 || (reach < 1e-10 && reach >= last) {
            break;
        }
        last = reach;
    }
    Exact { coef: w[1..].iter().zip(&sds).map(|(w, sd)| w / sd).collect(), middle: w[0] }
}

/// Eigenvalues and eigenvectors (as rows) of a symmetric matrix by Jacobi's rotations.
pub(crate) fn jacobi(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
    for _ in 0..60 {
        let mut off = 0.0;
        for p in 0..n {
            for q in p + 1..n {
                off += a[p][q] * a[p][q];
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let (c, s) = (1.0 / t.hypot(1.0), t / t.hypot(1.0));
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                for j in 0..n {
                    (a[p][j], a[q][j]) = (c * a[p][j] - s * a[q][j], s * a[p][j] + c * a[q][j]);
                    let (own, other) = (vectors[p][j], vectors[q][j]);
                    (vectors[p][j], vectors[q][j]) = (c * own - s * other, s * own + c * other);
                }
            }
        }
        if off < 1e-30 {
            break;
        }
    }
    ((0..n).map(|k| a[k][k]).collect(), vectors)
}

/// The coefficients of smallest norm of all that give `eta` up to a constant: `pinv(X - mean) (eta - mean)`.
pub(crate) fn smallest_norm(x: &Array2<f64>, eta: &[f64]) -> Exact {
    let n = x.nrows();
    let middle = eta.iter().sum::<f64>() / n as f64;
    let mut centred = x.clone();
    for mut column in centred.columns_mut() {
        let mean = column.sum() / n as f64;
        column.mapv_inplace(|x| x - mean);
    }
    let kernel = centred.dot(&centred.t());
    let (values, vectors) = jacobi(kernel.rows().into_iter().map(|row| row.to_vec()).collect());
    let largest = values.iter().copied().fold(0.0, f64::max);
    let mut dual = vec![0.0; n];
    for (value, vector) in values.iter().zip(&vectors).filter(|(value, _)| **value > 1e-11 * largest) {
        let along: f64 = vector.iter().zip(eta).map(|(v, eta)| v * (eta - middle)).sum();
        dual.iter_mut().zip(vector).for_each(|(d, v)| *d += along / value * v);
    }
    Exact { coef: centred.t().dot(&ndarray::Array1::from(dual)).to_vec(), middle }
}
