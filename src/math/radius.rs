//! The spectral radius of a matrix without negative entries.

use super::dense::{Matrix, largest_modulus};

/// Rounds in which bounds close in on the radius of one part, before its eigenvalues are found.
const ROUNDS: usize = 200;
/// How near the bounds come, relative.
const NEAR: f64 = 1e-12;

/// The largest modulus of the eigenvalues of the square matrix `a`, whose entries are 0 or more; NaN where one is not finite.
///
/// The matrix is cut into its strongly connected parts, of which the radius is the largest: what leads nowhere back, such as
/// a chain, has a radius of exactly 0. In a part, `min_i (A x)_i / x_i` and `max_i (A x)_i / x_i` of any `x` above 0 enclose it.
///
/// # Source
/// Collatz (1942) and Wielandt (1950) for the bounds; Kosaraju's two searches for the parts.
pub fn spectral_radius(a: &Matrix) -> f64 {
    if a.iter().any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let radius = |part: &Vec<usize>| {
        radius_of(&Matrix::from_shape_fn((part.len(), part.len()), |(i, j)| a[(part[i], part[j])]))
    };
    parts(a).iter().map(radius).fold(0.0, f64::max)
}

/// The radius of a matrix in which every row leads to every other.
fn radius_of(a: &Matrix) -> f64 {
    let n = a.nrows();
    if n == 1 {
        return a[(0, 0)];
    }
    let mut x = vec![1.0; n];
    for _ in 0..ROUNDS {
        let product = |row: ndarray::ArrayView1<f64>| row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>();
        let grown: Vec<f64> = a.rows().into_iter().map(product).collect();
        let ratios = || grown.iter().zip(&x).map(|(grown, x)| grown / x);
        let (least, most) = ratios()
            .fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), own| (least.min(own), most.max(own)));
        if most - least <= NEAR * most {
            return 0.5 * (least + most);
        }
        // a part of itself on the diagonal keeps it from going back and forth
        let next: Vec<f64> = grown.iter().zip(&x).map(|(grown, x)| grown + 0.5 * most * x).collect();
        let largest = next.iter().copied().fold(0.0, f64::max);
        x = next.into_iter().map(|value| value / largest).collect();
        if !x.iter().all(|value| *value > f64::MIN_POSITIVE) {
            break;
        }
    }
    largest_modulus(a).unwrap_or(f64::NAN)
}

/// The rows and columns of each strongly connected part, `a_ij > 0` an arrow from j to i.
fn parts(a: &Matrix) -> Vec<Vec<usize>> {
    let n = a.nrows();
    let forth: Vec<Vec<usize>> = (0..n).map(|j| (0..n).filter(|&i| a[(i, j)] > 0.0).collect()).collect();
    let back: Vec<Vec<usize>> = (0..n).map(|i| (0..n).filter(|&j| a[(i, j)] > 0.0).collect()).collect();
    let mut is_seen = vec![false; n];
    let mut order: Vec<usize> = (0..n).flat_map(|start| search(&forth, start, &mut is_seen)).collect();
    order.reverse();
    is_seen.fill(false);
    let found = order.iter().map(|&start| search(&back, start, &mut is_seen));
    found.filter(|part| !part.is_empty()).collect()
}

/// What can be reached from `start` and was not seen, each after all that it leads to.
fn search(arrows: &[Vec<usize>], start: usize, is_seen: &mut [bool]) -> Vec<usize> {
    let mut done = Vec::new();
    if is_seen[start] {
        return done;
    }
    is_seen[start] = true;
    // with how many of its arrows were followed
    let mut path = vec![(start, 0)];
    while let Some((at, followed)) = path.last_mut() {
        match arrows[*at].get(*followed) {
            Some(&to) => {
                *followed += 1;
                if !is_seen[to] {
                    is_seen[to] = true;
                    path.push((to, 0));
                }
            }
            None => {
                done.push(*at);
                path.pop();
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_back_has_a_radius_of_zero() {
        let chain = Matrix::from_shape_fn((500, 500), |(i, j)| if i == j + 1 { 0.5 } else { 0.0 });
        assert_eq!(spectral_radius(&chain), 0.0);
        assert_eq!(spectral_radius(&chain.t().to_owned()), 0.0);
        assert_eq!(spectral_radius(&Matrix::zeros((0, 0))), 0.0);
        assert!(spectral_radius(&Matrix::from_elem((2, 2), f64::INFINITY)).is_nan());
        // the largest of several parts, though one drives the other
        let mut two = chain;
        (two[(10, 11)], two[(3, 3)]) = (0.5, 0.3);
        assert!((spectral_radius(&two) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn radii_of_circles_and_of_full_matrices_are_exact() {
        // a circle of n steps: the geometric mean of its entries, slow for powers
        let n = 200;
        let step = |i: usize| 0.2 + 0.01 * (i % 17) as f64;
        let circle = Matrix::from_shape_fn((n, n), |(i, j)| if i == (j + 1) % n { step(i) } else { 0.0 });
        let mean = ((0..n).map(|i| step(i).ln()).sum::<f64>() / n as f64).exp();
        assert!((spectral_radius(&circle) - mean).abs() < 1e-9, "{} {mean}", spectral_radius(&circle));
        // of rank one: the product of its factors
        let rank_one = Matrix::from_shape_fn((40, 40), |(i, j)| (1.0 + i as f64) * 1e-4 * (2.0 + j as f64));
        let trace: f64 = (0..40).map(|i| rank_one[(i, i)]).sum();
        assert!((spectral_radius(&rank_one) - trace).abs() < 1e-12 * trace);
        let back_and_forth = ndarray::arr2(&[[0.0, 0.5], [0.2, 0.0]]);
        assert!((spectral_radius(&back_and_forth) - 0.1f64.sqrt()).abs() < 1e-12);
    }
}
