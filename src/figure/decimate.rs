//! [`Decimator`]: as few points of a long series as a drawing can show, with every peak.

/// Keeps the least and the greatest sample per column of pixels, in the order of time.
///
/// Samples are given one by one and not kept, so a series never has to be in memory as a whole. What is not finite
/// leaves a gap: of a column with several gaps the first remains, and the samples behind it count as one piece. At
/// most five points per column come out.
///
/// ```
/// use rheobase::figure::Decimator;
/// let mut decimator = Decimator::new([0.0, 4.0], 2);
/// [1.0, 9.0, 2.0, 3.0].into_iter().enumerate().for_each(|(i, y)| decimator.add(i as f64, y));
/// assert_eq!(decimator.finish(), (vec![0.0, 1.0, 2.0, 3.0], vec![1.0, 9.0, 2.0, 3.0]));
/// ```
#[derive(Clone, Debug)]
pub struct Decimator {
    range: [f64; 2],
    n_columns: usize,
    column: usize,
    before_gap: Option<Extremes>,
    gap: Option<f64>,
    after_gap: Option<Extremes>,
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Least and greatest sample with their times.
#[derive(Clone, Copy, Debug)]
struct Extremes {
    least: (f64, f64),
    greatest: (f64, f64),
}

impl Decimator {
    /// A decimator for samples in `range`, drawn over `n_columns` columns.
    pub fn new(range: [f64; 2], n_columns: usize) -> Self {
        let n_columns = n_columns.max(1);
        let (before_gap, gap, after_gap) = (None, None, None);
        Self { range, n_columns, column: 0, before_gap, gap, after_gap, x: Vec::new(), y: Vec::new() }
    }

    /// The next sample: `x` never goes back. Samples outside of the range are left out.
    pub fn add(&mut self, x: f64, y: f64) {
        let share = (x - self.range[0]) / (self.range[1] - self.range[0]);
        if !(0.0..=1.0).contains(&share) {
            return;
        }
        let column = ((share * self.n_columns as f64) as usize).min(self.n_columns - 1);
        if column != self.column {
            self.flush();
            self.column = column;
        }
        if !y.is_finite() {
            self.gap.get_or_insert(x);
            return;
        }
        let piece = if self.gap.is_none() { &mut self.before_gap } else { &mut self.after_gap };
        let extremes = piece.get_or_insert(Extremes { least: (x, y), greatest: (x, y) });
        if y < extremes.least.1 {
            extremes.least = (x, y);
        }
        if y > extremes.greatest.1 {
            extremes.greatest = (x, y);
        }
    }

    /// The points that are left, with NaN where a line must not be drawn.
    pub fn finish(mut self) -> (Vec<f64>, Vec<f64>) {
        self.flush();
        (self.x, self.y)
    }

    fn flush(&mut self) {
        let (before, gap, after) = (self.before_gap.take(), self.gap.take(), self.after_gap.take());
        before.into_iter().for_each(|piece| self.push(piece));
        if let Some(x) = gap {
            self.x.push(x);
            self.y.push(f64::NAN);
        }
        after.into_iter().for_each(|piece| self.push(piece));
    }

    fn push(&mut self, Extremes { least, greatest }: Extremes) {
        let (first, second) = if least.0 <= greatest.0 { (least, greatest) } else { (greatest, least) };
        self.x.push(first.0);
        self.y.push(first.1);
        if first.0 != second.0 {
            self.x.push(second.0);
            self.y.push(second.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimator;

    #[test]
    fn every_peak_survives_and_few_points_remain() {
        let y = |i: usize| if i == 77_777 { 50.0 } else { ((i * 7919) % 1000) as f64 / 1000.0 };
        let mut decimator = Decimator::new([0.0, 1e5], 300);
        (0..100_000).for_each(|i| decimator.add(i as f64, y(i)));
        let (x, kept) = decimator.finish();
        assert!(x.len() <= 600 && x.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(kept.contains(&50.0) && kept.contains(&0.0) && kept.contains(&0.999));
    }

    #[test]
    fn gaps_stay_gaps_and_do_not_multiply() {
        let mut decimator = Decimator::new([0.0, 100.0], 2);
        (0..100).for_each(|i| decimator.add(f64::from(i), if i % 2 == 1 { f64::NAN } else { f64::from(i) }));
        let (x, y) = decimator.finish();
        assert_eq!(x, [0.0, 1.0, 2.0, 48.0, 50.0, 51.0, 52.0, 98.0]);
        assert!(y[1].is_nan() && y[5].is_nan());
    }
}
