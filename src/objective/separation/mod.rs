//! Separation: directions along which a loss falls for ever.
//!
//! The loss of Poisson and negative binomial counts, whatever the link, has no minimum if and only if a direction leaves the
//! rows with events where they are, raises none of the others and lowers some. That of a model of an event or none has none
//! if and only if a direction lowers no row with an event, raises none without, and moves some; that of classes if and only if
//! it lowers the predictor of no row's class against that of another, and raises some. Gaussian and Gamma responses always
//! have one. A penalty bounds every direction that costs something; the others remain. Offsets and the sizes of counts and
//! weights play no part, rows of weight 0 none at all.
//!
//! Whether there is such a direction is asked of a linear program: of the directions in a box that every row allows, the one
//! along which rows move farthest, which is 0 if and only if there is none. Its conditions are few rows at first: a sample, and
//! those that an unfinished step moves the wrong way. What they allow is tried on all rows, in a pass; those that go the wrong
//! way farthest join the conditions, until
//!
//! - what they allow leaves all of them where they are, and no direction goes unseen by them: then there is none for all rows
//!   either, which allow less ([`Separation::Bounded`]); or
//! - no row goes the wrong way, to rounding and not to what the solver leaves open ([`Separation::Recedes`]). A row counts as
//!   moved if that is more than columns are known to, 1e-11 of the magnitudes of the terms of the product. Rows that it leaves where
//!   they are are asked for another one, which is added, until none can be moved; or
//! - numbers have too few digits, or rounds run out ([`Separation::Undecided`]).
//!
//! Rows with counts are equations. They come first, as singular vectors of some of them, again with those that others would
//! move, until a pass finds none: most often few of them see every direction, and nothing is left to ask.
//!
//! A direction of several parts is balanced: further parts move the rows that it moves least, so that all features that recede
//! have a part in it that can be seen.

mod asked;
mod program;
mod rows;
mod space;

use std::time::Instant;

use program::{Best, Program, UNSEEN};
use rows::{Move, Score, Seen, Wanted};
use space::Space;

use crate::Result;
use crate::math::dense::Matrix;
use crate::observation::Recession;
use crate::stop::Stop;

use super::Penalty;

pub(super) use rows::{Rows, Sides};

/// Looks at all rows at most.
const MOST_LOOKS: usize = 200;
/// Conditions at most: so many, and so many for each coordinate.
const MOST_ROWS: [usize; 2] = [4000, 20];
/// Of the sample: so many for each group of rows, and so many in all for each coordinate.
const SAMPLED: [usize; 2] = [16, 4];
/// A wrong way that the solver may leave open, in roundings.
const OPEN: f64 = 100.0;
/// A part of the farthest move by which rows do not move that a direction leaves where they are.
const RESTING: f64 = 1e-9;
/// The same of rows that it moves little.
const LITTLE: f64 = 0.1;
/// Directions that are added up at most.
const MOST_PARTS: usize = 32;
/// Parts that are added for them at most.
const MOST_BALANCING: usize = 4;
/// Numbers of 8 bytes that a number of a condition takes with its copies, those of the solver among them.
const COPIES: usize = 10;
/// Conditions for each coordinate that there must be room for.
const FEWEST_ROWS: usize = 4;
/// Bytes that conditions may take at most.
const MOST_BYTES: u64 = 1 << 30;
/// A direction that moves no condition by this part of the farthest may be one that they do not see.
const BLIND: f64 = 1e-6;

/// Whether a loss has a minimum.
#[derive(Clone, Debug, PartialEq)]
pub enum Separation {
    /// It has one: no direction of recession exists.
    Bounded,
    /// It falls for ever along this direction, which moves the farthest row by 1.
    Recedes(Vec<f64>),
    /// Numbers do not tell.
    Undecided,
}

impl Separation {
    /// The direction of recession, if there is one.
    pub fn direction(self) -> Option<Vec<f64>> {
        match self {
            Self::Recedes(direction) => Some(direction),
            Self::Bounded | Self::Undecided => None,
        }
    }
}

/// What a search may take.
pub(super) struct Limits {
    pub(super) stop: Stop,
    pub(super) until: Option<Instant>,
    pub(super) bytes: Option<u64>,
}

impl Limits {
    /// Whether time is up.
    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Conditions on so many coordinates that are allowed.
    fn most_rows(&self, n: usize) -> usize {
        let bytes = self.bytes.unwrap_or(MOST_BYTES).min(MOST_BYTES);
        let of_row = (n * COPIES * size_of::<f64>()).max(1);
        usize::try_from(bytes).unwrap_or(usize::MAX).div_euclid(of_row).min(MOST_ROWS[0] + MOST_ROWS[1] * n)
    }
}

/// A question under way.
struct Search<'s> {
    rows: &'s mut dyn Rows,
    sides: &'s Sides,
    limits: &'s Limits,
    looks: usize,
}

/// Whether a loss with this penalty has a minimum. The hints are where it stands, which may be one of recession if it has gone
/// far, and a step from there, which may be near one. `None` if time was up before numbers could tell.
pub(super) fn find(
    rows: &mut dyn Rows,
    sides: &Sides,
    (penalty, has_intercept): (&Penalty, bool),
    hints: [&[f64]; 2],
    limits: &Limits,
) -> Result<Option<Separation>> {
    let mut search = Search { rows, sides, limits, looks: 0 };
    let found = search.answer((penalty, has_intercept), hints)?;
    Ok(Some(found).filter(|found| *found != Separation::Undecided || !limits.is_late()))
}

/// A combination of the columns without any part that is 0, the same every time.
fn mixture(basis: &Matrix) -> Vec<f64> {
    let factors: Vec<f64> = (0..basis.ncols()).map(|k| 1.0 + (1.7 * k as f64 + 0.3).sin() / 2.0).collect();
    basis.dot(&ndarray::ArrayView1::from(&factors)).to_vec()
}

impl Search<'_> {
    fn answer(
        &mut self,
        (penalty, has_intercept): (&Penalty, bool),
        hints: [&[f64]; 2],
    ) -> Result<Separation> {
        let n = self.sides.n_parameters();
        if self.limits.most_rows(n) < FEWEST_ROWS * n {
            return Ok(Separation::Undecided);
        }
        let Some(space) = Space::free(penalty, n, n / self.sides.n_blocks(), has_intercept) else {
            return Ok(Separation::Undecided);
        };
        let Some(space) = self.unheld(space)? else { return Ok(Separation::Undecided) };
        if space.dim() == 0 {
            return Ok(Separation::Bounded);
        }
        self.recession(&space, hints)
    }

    fn look(&mut self, d: &[f64], most: usize, score: &Score) -> Result<Option<Seen>> {
        self.looks += 1;
        if self.looks > MOST_LOOKS || self.limits.is_late() {
            return Ok(None);
        }
        self.sides.look(self.rows, d, &Wanted { most, score })
    }

    /// The rows that were picked as further conditions; how many are new.
    fn join(&self, program: &mut Program, space: &Space, seen: &Seen) -> usize {
        let own = seen.picked.iter();
        own.filter(|own| program.add(own.place, space.down(&own.gradient, self.sides))).count()
    }

    /// The directions that leave the rows that are to stay where they are; `None` if numbers do not tell.
    fn unheld(&mut self, space: Space) -> Result<Option<Space>> {
        if self.sides.kind != Recession::Down {
            return Ok(Some(space));
        }
        let m = space.dim();
        let mut held = Program::new(m);
        let nothing = vec![0.0; self.sides.n_parameters()];
        let sample = |own: &Move| own.is_held.then(|| own.lot());
        let Some(seen) = self.look(&nothing, SAMPLED[0] + SAMPLED[1] * m, &sample)? else { return Ok(None) };
        if seen.picked.is_empty() {
            return Ok(Some(space));
        }
        self.join(&mut held, &space, &seen);
        loop {
            let Some(unseen) = held.unseen(UNSEEN) else { return Ok(None) };
            if unseen.ncols() == 0 {
                return Ok(Some(space.within(&unseen)));
            }
            let moved = |own: &Move| {
                let relative = own.relative().abs();
                (own.is_held && relative > 1.0).then_some(relative)
            };
            let Some(seen) = self.look(&space.up(&mixture(&unseen)), 2 * m, &moved)? else { return Ok(None) };
            if seen.picked.is_empty() {
                return Ok(Some(space.within(&unseen)));
            }
            if self.join(&mut held, &space, &seen) == 0 || held.len() > self.limits.most_rows(m) {
                return Ok(None);
            }
        }
    }

    /// Whether one of the directions is one of recession: the sum of several that each move rows that those before leave where
    /// they are, so that all features are seen that recede.
    fn recession(&mut self, space: &Space, [at, step]: [&[f64]; 2]) -> Result<Separation> {
        let m = space.dim();
        let mut program = Program::new(m);
        let anywhere = space.up(&mixture(&Matrix::eye(m)));
        let sample = |own: &Move| moved(own).map(|_| own.lot());
        let most = SAMPLED[0] + SAMPLED[1] * m / self.sides.n_groups();
        for (d, score) in [(&anywhere[..], &sample as &Score), (step, &far_wrong)] {
            let Some(seen) = self.look(d, most, score)? else { return Ok(Separation::Undecided) };
            self.join(&mut program, space, &seen);
        }
        if space.is_whole() {
            let Some(seen) = self.look(at, most, &wrong)? else { return Ok(Separation::Undecided) };
            if seen.picked.is_empty() && seen.gain > 0.0 {
                return Ok(Separation::Recedes(at.iter().map(|d| d / seen.farthest).collect()));
            }
            self.join(&mut program, space, &seen);
        }
        let (mut parts, mut n_balancing): (Vec<Vec<f64>>, usize) = (Vec::new(), 0);
        let (most_rows, most_wrong) = (self.limits.most_rows(m), (2 * m).div_ceil(self.sides.n_groups()));
        while program.len() <= most_rows && parts.len() < MOST_PARTS && n_balancing <= MOST_BALANCING {
            let rest = if n_balancing == 0 { RESTING } else { LITTLE };
            let z = match program.best(&sum(&parts, m), rest, self.limits)? {
                Best::Moves(z) => z,
                Best::Still if n_balancing == 0 && !parts.is_empty() => {
                    n_balancing = 1;
                    continue;
                }
                Best::Still if parts.is_empty() => {
                    let Some(unseen) = program.unseen(BLIND) else { break };
                    if unseen.ncols() == 0 {
                        return Ok(Separation::Bounded);
                    }
                    let Some(seen) = self.look(&space.up(&mixture(&unseen)), most_wrong, &moved)? else {
                        break;
                    };
                    if seen.picked.is_empty() {
                        // no row at all sees it
                        return Ok(Separation::Bounded);
                    }
                    if self.join(&mut program, space, &seen) == 0 {
                        break;
                    }
                    continue;
                }
                Best::Still | Best::Unknown => break,
            };
            let Some(seen) = self.look(&space.up(&z), most_wrong, &far_wrong)? else { break };
            if self.join(&mut program, space, &seen) > 0 {
                continue;
            }
            let Some(seen) = self.look(&space.up(&z), most_wrong, &wrong)? else { break };
            if seen.picked.is_empty() && seen.gain > 0.0 {
                parts.push(z.iter().map(|z| z / seen.farthest).collect());
                n_balancing += usize::from(n_balancing > 0);
            } else if self.join(&mut program, space, &seen) == 0 {
                break;
            }
        }
        // each part is one; in their sum roundings may have added up
        while !parts.is_empty() {
            let d = space.up(&sum(&parts, m));
            let Some(seen) = self.sides.look(self.rows, &d, &Wanted { most: 1, score: &wrong })? else {
                break;
            };
            if seen.picked.is_empty() && seen.gain > 0.0 {
                return Ok(Separation::Recedes(d.iter().map(|d| d / seen.farthest).collect()));
            }
            parts.pop();
        }
        Ok(Separation::Undecided)
    }
}

/// The sum of directions of `m` coordinates.
fn sum(parts: &[Vec<f64>], m: usize) -> Vec<f64> {
    let mut all = vec![0.0; m];
    parts.iter().for_each(|part| all.iter_mut().zip(part).for_each(|(to, z)| *to += z));
    all
}

/// How much a row goes the wrong way, if it does, in roundings.
fn wrong(own: &Move) -> Option<f64> {
    let relative = if own.is_held { -own.relative().abs() } else { own.relative() };
    (relative < -1.0).then_some(-relative)
}

/// The same of rows of the linear program, where it is more than that leaves open.
fn far_wrong(own: &Move) -> Option<f64> {
    wrong(own).filter(|relative| !own.is_held && *relative > OPEN)
}

/// How much a row that may move does so, in roundings.
fn moved(own: &Move) -> Option<f64> {
    let relative = own.relative().abs();
    (!own.is_held && relative > 1.0).then_some(relative)
}
