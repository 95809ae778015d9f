//! What a direction does to the rows, and rows picked by it.

use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::backend::Shown;
use crate::backend::cpu::{Piece, TILE_ROWS};
use crate::math::contrasts::Contrasts;
use crate::observation::Recession;

/// What a column is known to, relative to the magnitudes of its terms: convolved ones are computed to 1e-12 of theirs.
const KNOWN: f64 = 1e-11;
/// Roundings of a product of many terms.
const ROUNDINGS: f64 = 64.0 * f64::EPSILON;
/// What a component of a direction is known to is that of one of this part of the largest, if it is smaller.
const SMALL: f64 = 1e-3;
/// Rows that are picked from a tile at least, if it has so many that are wanted.
const OF_TILE: usize = 4;

/// Rows that can be looked at, all of them in each pass.
pub(in crate::objective) trait Rows {
    /// How many there are.
    fn n_rows(&self) -> usize;

    /// Shows every tile, on several threads; false if the backend does not show rows.
    ///
    /// # Errors
    /// If the backend fails.
    fn show(&mut self, look: &(dyn Fn(&Shown) + Sync)) -> Result<bool>;
}

/// Where rows may go along a direction of recession.
#[derive(Clone, Debug)]
pub(in crate::objective) struct Sides {
    pub(in crate::objective) kind: Recession,
    /// Of a response of classes: there is a block of parameters for each free number.
    pub(in crate::objective) contrasts: Option<Contrasts>,
    /// What part of a term of a product is rounding, for each parameter of a block, intercept first.
    known: Vec<f64>,
}

/// What a direction does to a row; of classes to that of the row against one other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    row: usize,
    /// The other class, 0 if there are none.
    rival: usize,
    /// Its class, or whether it has an event.
    pub(super) group: usize,
    /// Whether a direction of recession leaves it where it is.
    pub(super) is_held: bool,
    /// How far it goes to where it may go: below 0 the wrong way.
    pub(super) by: f64,
    /// What of that may be rounding.
    pub(super) rounding: f64,
}

impl Move {
    /// A number that tells nothing about the row, the same every time.
    pub(super) fn lot(&self) -> f64 {
        let mut x = (self.row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.rival as u64);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64
    }

    /// In roundings.
    pub(super) fn relative(&self) -> f64 {
        if self.by == 0.0 { 0.0 } else { self.by / self.rounding.max(f64::MIN_POSITIVE) }
    }
}

/// A row as a condition on directions: `gradient · d >= 0`, or, of one that is held, `= 0`.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) place: (usize, usize),
    group: usize,
    score: f64,
    pub(super) gradient: Vec<f64>,
}

/// What a look at all rows along a direction has found.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The rows that were wanted, those of the largest scores first.
    pub(super) picked: Vec<Condition>,
    /// How far the farthest row moves.
    pub(super) farthest: f64,
    /// How far the farthest row moves to where it may go, beyond rounding.
    pub(super) gain: f64,
}

/// How much a row is wanted, if it is.
pub(super) type Score<'w> = dyn Fn(&Move) -> Option<f64> + Sync + 'w;

/// Which rows are wanted: at most so many of each group, by their scores.
pub(super) struct Wanted<'w> {
    pub(super) most: usize,
    pub(super) score: &'w Score<'w>,
}

impl Sides {
    /// `roundings` are those of the columns beside their own magnitude, 1 for each if there are none.
    pub(in crate::objective) fn new(
        kind: Recession,
        contrasts: Option<Contrasts>,
        of_block: usize,
        roundings: &[f64],
    ) -> Self {
        let of_column = |j: usize| roundings.get(j).map_or(KNOWN, |own| KNOWN.max(ROUNDINGS * own));
        let known = std::iter::once(KNOWN).chain((1..of_block).map(|j| of_column(j - 1))).collect();
        Self { kind, contrasts, known }
    }

    pub(super) fn n_blocks(&self) -> usize {
        self.contrasts.as_ref().map_or(1, Contrasts::n_free)
    }

    /// All parameters.
    pub(super) fn n_parameters(&self) -> usize {
        self.n_blocks() * self.known.len()
    }

    /// What part of a term of this parameter is rounding.
    pub(super) fn known(&self, parameter: usize) -> f64 {
        self.known[parameter % self.known.len()]
    }

    /// Groups of rows.
    pub(super) fn n_groups(&self) -> usize {
        match self.kind {
            Recession::Never | Recession::Down => 1,
            Recession::Apart => self.contrasts.as_ref().map_or(2, Contrasts::n_classes),
        }
    }

    /// Shows what the direction `d` does to the rows of a tile that count.
    fn visit(&self, tile: &Shown, d: &[f64], mut see: impl FnMut(Move)) {
        let columns: &[Piece<f64>] = tile.columns.as_chunks().0;
        let mut moved: Vec<(Piece<f64>, Piece<f64>)> = Vec::with_capacity(self.n_blocks());
        let least = SMALL * d.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        for own in d.chunks(self.known.len()) {
            let size = |j: usize| if own[j] == 0.0 { 0.0 } else { self.known[j] * own[j].abs().max(least) };
            let (mut sums, mut sizes) = ([own[0]; TILE_ROWS], [size(0); TILE_ROWS]);
            for (j, column) in columns.iter().enumerate().take(own.len() - 1) {
                let (d, of_term) = (own[1 + j], size(1 + j));
                if d == 0.0 {
                    continue;
                }
                for ((sum, size), x) in sums.iter_mut().zip(&mut sizes).zip(column) {
                    *sum += d * x;
                    *size += of_term * x.abs();
                }
            }
            moved.push((sums, sizes));
        }
        for (i, &y) in tile.y.iter().enumerate() {
            if tile.weights.is_some_and(|weights| weights[i] == 0.0) {
                continue;
            }
            let row = tile.first + i;
            let Some(contrasts) = &self.contrasts else {
                let (by, rounding) = (moved[0].0[i], moved[0].1[i]);
                let (is_event, is_down) = (y != 0.0, self.kind == Recession::Down);
                see(Move {
                    row,
                    rival: 0,
                    group: usize::from(is_event && !is_down),
                    is_held: is_event && is_down,
                    by: if is_event { by } else { -by },
                    rounding,
                });
                continue;
            };
            let own = y as usize;
            for rival in (0..contrasts.n_classes()).filter(|rival| *rival != own) {
                let (mut by, mut rounding) = (0.0, 0.0);
                for (a, (sums, sizes)) in moved.iter().enumerate() {
                    let factor = contrasts.factor(own, a) - contrasts.factor(rival, a);
                    by += factor * sums[i];
                    rounding += factor.abs() * sizes[i];
                }
                see(Move { row, rival, group: own, is_held: false, by, rounding });
            }
        }
    }

    /// The gradient of a row's move with respect to the direction.
    fn gradient(&self, tile: &Shown, at: &Move) -> Vec<f64> {
        let (i, p) = (at.row - tile.first, self.known.len());
        let columns: &[Piece<f64>] = tile.columns.as_chunks().0;
        let own = std::iter::once(1.0).chain(columns.iter().take(p - 1).map(|column| column[i]));
        let own: Vec<f64> = own.collect();
        let factor = |a: usize| match &self.contrasts {
            Some(contrasts) => contrasts.factor(at.group, a) - contrasts.factor(at.rival, a),
            None if tile.y[i] != 0.0 => 1.0,
            None => -1.0,
        };
        (0..self.n_blocks()).flat_map(|a| own.iter().map(move |x| factor(a) * x)).collect()
    }

    /// Looks at all rows along `d`; `None` if the backend does not show them.
    pub(super) fn look(&self, rows: &mut dyn Rows, d: &[f64], wanted: &Wanted) -> Result<Option<Seen>> {
        let found = Mutex::new(Seen::default());
        let n_tiles = rows.n_rows().div_ceil(TILE_ROWS).max(1);
        let of_tile = OF_TILE.max(OF_TILE * wanted.most / n_tiles).min(wanted.most);
        let look = |tile: &Shown| {
            let (mut chosen, mut farthest, mut gain): (Vec<(f64, Move)>, f64, f64) = (Vec::new(), 0.0, 0.0);
            self.visit(tile, d, |own| {
                farthest = farthest.max(own.by.abs());
                if !own.is_held && own.by > own.rounding {
                    gain = gain.max(own.by);
                }
                chosen.extend((wanted.score)(&own).map(|score| (score, own)));
            });
            chosen.sort_by(|a, b| {
                let by_score = || b.0.total_cmp(&a.0).then((a.1.row, a.1.rival).cmp(&(b.1.row, b.1.rival)));
                a.1.group.cmp(&b.1.group).then_with(by_score)
            });
            keep(&mut chosen, of_tile, |own| own.1.group);
            let picked = chosen.iter().map(|(score, own)| Condition {
                place: (own.row, own.rival),
                group: own.group,
                score: *score,
                gradient: self.gradient(tile, own),
            });
            let picked: Vec<Condition> = picked.collect();
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.farthest = found.farthest.max(farthest);
            found.gain = found.gain.max(gain);
            found.picked.extend(picked);
            if found.picked.len() > 4 * wanted.most * self.n_groups() {
                best(&mut found.picked, wanted.most);
            }
        };
        if !rows.show(&look)? {
            return Ok(None);
        }
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        best(&mut found.picked, wanted.most);
        Ok(Some(found))
    }
}

/// The best of each group, whatever the order in which they were found.
fn best(picked: &mut Vec<Condition>, most: usize) {
    picked
        .sort_by(|a, b| a.group.cmp(&b.group).then(b.score.total_cmp(&a.score)).then(a.place.cmp(&b.place)));
    keep(picked, most, |own| own.group);
}

/// The first of each group, which stand together.
fn keep<T>(all: &mut Vec<T>, most: usize, group: impl Fn(&T) -> usize) {
    let (mut last, mut n) = (usize::MAX, 0);
    all.retain(|own| {
        if group(own) != last {
            (last, n) = (group(own), 0);
        }
        n += 1;
        n <= most
    });
}
