//! Dense designs: one target, and populations.
//!
//! What must be moved and computed is counted by its definition: of one target each row is read once, by the GPU twice where there
//! are several; counts of several targets are bytes. A Gram is counted as one triangle of its products, each once, though work
//! groups multiply whole tiles and read columns again, mostly from a cache. What is computed beside products (exponentials) is
//! not counted.

use ndarray::Array2;
use rayon::prelude::*;
use serde_json::json;

use super::contest::{Contest, Need, Processor, Row, Size};
use super::evaluation::{Problem, Work};
use super::sizes::{COLUMNS_OF_STEPS, MOST_GRAM};
use crate::Result;
use crate::design::{DesignPlan, Source};
use crate::objective::Packed;

/// Columns that the response depends on.
const EFFECTIVE: usize = 8;

/// Columns and counts, the same wherever they are made.
pub(super) struct Data {
    pub(super) x: Array2<f32>,
    pub(super) y: Array2<u8>,
}

/// A number in [0, 1) that looks random, of its place.
pub(super) fn uniform(place: u64) -> f64 {
    let mut mixed = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Data {
    /// So many rows, columns and targets.
    pub(super) fn new([n, p, m]: [usize; 3]) -> Result<Self> {
        let value = |k: usize| (uniform(2 * k as u64) + uniform(2 * k as u64 + 1) - 1.0) as f32;
        let x: Vec<f32> = (0..n * p).into_par_iter().with_min_len(1 << 14).map(value).collect();
        let count = |k: usize| {
            let (row, target) = (k / m, k % m);
            let effect =
                |j: usize| if (j + target).is_multiple_of(2) { x[row * p + j] } else { -x[row * p + j] };
            let eta = 0.4 * (0..p.min(EFFECTIVE)).map(effect).sum::<f32>() - 2.3;
            let mut count = 0;
            // geometric counts: one more with the probability of a first
            while count < 8 && uniform((1 << 62) + (8 * k + usize::from(count)) as u64) < f64::from(eta.exp())
            {
                count += 1;
            }
            count
        };
        let y: Vec<u8> = (0..n * m).into_par_iter().with_min_len(1 << 12).map(count).collect();
        Ok(Self { x: shaped(x, n, p)?, y: shaped(y, n, m)? })
    }

    /// A plan of all columns.
    pub(super) fn plan(&self) -> Result<DesignPlan<'_>> {
        let labels = (0..self.x.ncols()).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: self.x.view().into() };
        DesignPlan::new(vec![source], 0..self.x.nrows())
    }
}

fn shaped<T>(values: Vec<T>, n_rows: usize, n_columns: usize) -> Result<Array2<T>> {
    let found = values.len();
    Array2::from_shape_vec((n_rows, n_columns), values).map_err(|_| crate::Error::Length {
        what: "values of a matrix".into(),
        expected: n_rows * n_columns,
        found,
    })
}

/// Rows, columns, targets in words.
pub(super) fn size([n, p, m]: [usize; 3]) -> Size {
    let mut fields = serde_json::Map::new();
    for (name, value) in [("rows", n), ("columns", p), ("targets", m)] {
        fields.insert(name.into(), json!(value));
    }
    let text = if m == 1 { format!("{n} x {p}") } else { format!("{n} x {p}, {m} targets") };
    Size { fields, text }
}

/// Times one size.
pub(super) fn timed(contest: &Contest, own: [usize; 3]) -> Result<Vec<Row>> {
    let data = Data::new(own)?;
    let plan = data.plan()?;
    let y = Packed::new(data.y.view(), plan.rows());
    let problem = Problem::new(&plan, &y, works(own));
    contest.rows(&problem, &size(own), &|work, on| Some(need(work, on, own)))
}

/// What is timed of a size.
fn works([n, p, m]: [usize; 3]) -> Vec<Work> {
    let mut works = vec![Work::Gradient];
    if m > 1 {
        works.extend([Work::Forward, Work::Backward, Work::Changes]);
        return works;
    }
    if n as f64 * (p * p) as f64 <= MOST_GRAM {
        works.push(Work::Gram);
    }
    if p == COLUMNS_OF_STEPS {
        works.push(Work::Changes);
    }
    works
}

fn need(work: Work, on: Processor, [n, p, m]: [usize; 3]) -> Need {
    let is_gpu = on == Processor::Gpu;
    let padded = if is_gpu { p.next_multiple_of(4) } else { p } as f64;
    let (rows, columns, targets) = (n as f64, p as f64, m as f64);
    let count_bytes = if m == 1 { 4.0 } else { 1.0 };
    // vectors of all targets that lie in memory between two products: residuals, written and read
    let between = if is_gpu && m > 1 { 8.0 * targets } else { 0.0 };
    let times_read = if is_gpu && m > 1 { 2.0 } else { 1.0 };
    let (of_row, flop_of_row) = match work {
        Work::Gradient => {
            let bytes = times_read * 4.0 * padded + count_bytes * targets + between;
            (bytes, 4.0 * columns * targets)
        }
        Work::Backward => (4.0 * padded + count_bytes * targets + between, 2.0 * columns * targets),
        Work::Forward => (times_read * 4.0 * padded + 8.0 * targets, 4.0 * columns * targets),
        Work::Changes => ((8.0 + count_bytes) * targets, 0.0),
        Work::Gram => (4.0 * padded, columns * (columns + 1.0)),
        Work::Build => (4.0 * padded, 0.0),
    };
    // sets of sums of work groups, written and read
    let groups = if is_gpu && m == 1 { rows / if n > 1 << 20 { 4096.0 } else { 1024.0 } } else { 0.0 };
    let sums = if work == Work::Gradient { 8.0 * groups.ceil() * (padded + 4.0) } else { 0.0 };
    Need { n_bytes: rows * of_row + sums, flop: rows * flop_of_row }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_those_of_the_definition() {
        let gradient = need(Work::Gradient, Processor::Gpu, [1_000_000, 200, 1]);
        assert_eq!((gradient.n_bytes, gradient.flop), (804e6 + 8.0 * 977.0 * 204.0, 8e8));
        assert_eq!(need(Work::Gradient, Processor::Cpu, [1000, 33, 1]).n_bytes, 1000.0 * 136.0);
        let population = need(Work::Gradient, Processor::Gpu, [1000, 64, 100]);
        assert_eq!((population.n_bytes, population.flop), (1000.0 * (512.0 + 900.0), 1000.0 * 25_600.0));
        assert_eq!(need(Work::Gram, Processor::Gpu, [1000, 8, 1]).flop, 72_000.0);
    }

    #[test]
    fn counts_depend_on_columns_and_are_the_same_twice() {
        let [a, b] = [(); 2].map(|()| Data::new([5000, 3, 2]).unwrap());
        assert!(a.x == b.x && a.y == b.y);
        let mean = a.x.mean().unwrap();
        assert!(mean.abs() < 0.02, "{mean}");
        for target in 0..2 {
            let sign = if target == 0 { 1.0 } else { -1.0 };
            let product: f32 =
                a.x.column(0).iter().zip(a.y.column(target)).map(|(x, y)| sign * x * f32::from(*y)).sum();
            assert!(product > 0.0, "target {target}: {product}");
        }
    }
}
