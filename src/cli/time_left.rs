//! How long a minimisation may still take, from the course of its loss gap.
//!
//! Solvers converge about geometrically: the logarithm of the gap falls along a line. Where it does, that line is followed to
//! the goal; where it does not (yet), nothing is known.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Points that are kept.
const MOST: usize = 24;
/// Points that it takes to know anything.
const LEAST: usize = 6;
/// How much faster than the other one half of the course may have been.
const STEADY: f64 = 4.0;
/// Nothing is said about times above this.
const LONGEST_S: f64 = 1e7;

/// The last gaps of one minimisation.
#[derive(Debug, Default)]
pub(super) struct Gaps(VecDeque<(Instant, f64)>);

impl Gaps {
    /// Adds a relative gap; the first iteration of a minimisation begins anew.
    pub(super) fn add(&mut self, iteration: usize, now: Instant, gap: f64) {
        if iteration == 0 {
            self.0.clear();
        }
        if gap > 0.0 && gap.is_finite() {
            if self.0.len() == MOST {
                self.0.pop_front();
            }
            self.0.push_back((now, gap.ln()));
        }
    }

    /// The time until the gap is `goal`, if the course so far tells.
    pub(super) fn left(&self, goal: f64) -> Option<Duration> {
        if self.0.len() < LEAST {
            return None;
        }
        let (first, middle, last) = (self.0.front()?, self.0.get(self.0.len() / 2)?, self.0.back()?);
        let speed = |from: &(Instant, f64), to: &(Instant, f64)| {
            (from.1 - to.1) / to.0.saturating_duration_since(from.0).as_secs_f64()
        };
        let (before, now) = (speed(first, middle), speed(middle, last));
        let is_steady = before > 0.0 && now > 0.0 && now <= STEADY * before && before <= STEADY * now;
        let left_s = (last.1 - goal.ln()) / speed(first, last);
        (is_steady && left_s > 0.0 && left_s < LONGEST_S).then(|| Duration::from_secs_f64(left_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point for each of some gaps, a second apart.
    fn course(gaps: &[f64]) -> Gaps {
        let (mut course, start) = (Gaps::default(), Instant::now());
        for (k, gap) in gaps.iter().enumerate() {
            course.add(k, start + Duration::from_secs(k as u64), *gap);
        }
        course
    }

    #[test]
    fn a_steady_course_is_followed_to_the_goal() {
        let gaps: Vec<f64> = (0..10).map(|k| 10_f64.powi(-k)).collect();
        let left = course(&gaps).left(1e-16).unwrap().as_secs_f64();
        assert!((left - 7.0).abs() < 1e-6, "{left}");
        assert_eq!(course(&gaps).left(1e-8), None, "it is there");
    }

    #[test]
    fn nothing_is_said_that_cannot_be_known() {
        assert_eq!(course(&[1.0, 0.1, 0.01]).left(1e-16), None, "too early");
        assert_eq!(course(&[1.0; 10]).left(1e-16), None, "no progress");
        let slower: Vec<f64> =
            (0..12).map(|k| if k < 6 { 10_f64.powi(-k) } else { 1e-5 * 0.99_f64.powi(k) }).collect();
        assert_eq!(course(&slower).left(1e-16), None, "it has become slower");
        let mut anew = course(&(0..10).map(|k| 10_f64.powi(-k)).collect::<Vec<_>>());
        anew.add(0, Instant::now(), 1.0);
        assert_eq!(anew.left(1e-16), None, "another minimisation");
        assert_eq!(course(&[f64::NAN; 10]).left(1e-16), None);
    }
}
