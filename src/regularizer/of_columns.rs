//! The regularizer of some of the columns of a design.

use super::{Grid, Groups, Regularizer, Strength};
use crate::{Error, Result};

impl Regularizer {
    /// What it is for the columns that `keep` says stay, of a design whose features have the columns `features`.
    ///
    /// A group is what stays of it, and counts so many coefficients. A smoothness penalty that has nothing left is none.
    ///
    /// # Errors
    /// [`Error::Argument`] if a part of the functions of a basis stays whose coefficients are to be smooth: neighbours would be
    /// missing.
    ///
    /// # Panics
    /// If there are fewer strengths than columns ([`Regularizer::check_columns`]).
    pub fn of_columns(&self, keep: &[bool], features: &[[usize; 2]]) -> Result<Self> {
        // where each column goes
        let mut next = 0;
        let place: Vec<Option<usize>> = (keep.iter())
            .map(|&stays| {
                next += usize::from(stays);
                stays.then(|| next - 1)
            })
            .collect();
        let some = |strength: &Strength| match strength {
            Strength::All(own) => Strength::All(*own),
            Strength::Each(each) => {
                Strength::Each(each.iter().zip(keep).filter_map(|(own, keep)| keep.then_some(*own)).collect())
            }
        };
        Ok(match self {
            Self::None => Self::None,
            Self::Ridge { strength } => Self::Ridge { strength: some(strength) },
            Self::Lasso { strength } => Self::Lasso { strength: some(strength) },
            Self::ElasticNet { strength, ratio } => {
                Self::ElasticNet { strength: some(strength), ratio: *ratio }
            }
            Self::GroupLasso { strength, groups } => {
                // as many groups as before, so that each keeps its strength; nothing shrinks an empty one
                let own = groups.of(features).into_iter();
                let own = own.map(|columns| columns.into_iter().filter_map(|k| place[k]).collect());
                Self::GroupLasso { strength: strength.clone(), groups: Groups::Columns(own.collect()) }
            }
            Self::Smooth { strength, order, grids } => {
                let mut left = Vec::new();
                for grid in grids {
                    let own: Vec<usize> = grid.columns().filter_map(|column| place[column]).collect();
                    if own.len() == grid.len() {
                        left.push(Grid { first: own[0], axes: grid.axes.clone() });
                    } else if !own.is_empty() {
                        return Err(Error::argument(
                            "columns that a target may use",
                            "all functions of a basis, or none, beside a smoothness penalty",
                            format!("{} of {}", own.len(), grid.len()),
                            "mask whole features or channels, or use ridge",
                        ));
                    }
                }
                let is_empty = left.iter().all(|grid| grid.differences(*order).is_empty());
                let smooth = Self::Smooth { strength: *strength, order: *order, grids: left };
                if is_empty { Self::None } else { smooth }
            }
        })
    }

    /// The same for a design of `n` columns, in which column k of this one is column `places[k]`. Columns that are not there have
    /// the strength 0.
    #[must_use]
    pub fn in_layout(&self, places: &[Option<usize>], n: usize) -> Self {
        let mut other = self.clone();
        let spread = |strength: &mut Strength| {
            if let Strength::Each(each) = strength {
                let mut all = vec![0.0; n];
                for (own, place) in each.iter().zip(places) {
                    place.iter().for_each(|&place| all[place] = *own);
                }
                *each = all;
            }
        };
        match &mut other {
            Self::Ridge { strength } | Self::Lasso { strength } | Self::ElasticNet { strength, .. } => {
                spread(strength);
            }
            // strengths of groups stay with them
            Self::GroupLasso { groups: Groups::Columns(groups), .. } => {
                for group in groups {
                    *group = group.iter().filter_map(|&column| places[column]).collect();
                }
            }
            Self::None | Self::GroupLasso { .. } => {}
            Self::Smooth { grids, .. } => {
                // the columns of a grid stay together
                grids.retain_mut(|grid| places[grid.first].map(|place| grid.first = place).is_some());
            }
        }
        other
    }

    /// The same with other strengths: one, or one for each column (of a group penalty, for each group).
    ///
    /// # Errors
    /// [`Error::Argument`] for a smoothness penalty, which has one strength, and for none.
    pub fn with_strengths(&self, strengths: &[f64]) -> Result<Self> {
        let mut other = self.clone();
        match (&mut other, strengths) {
            // one that is 0 is no penalty
            (_, [0.0]) => return Ok(Self::None),
            (Self::Smooth { strength, .. }, [own]) => *strength = *own,
            (
                Self::Ridge { strength }
                | Self::Lasso { strength }
                | Self::ElasticNet { strength, .. }
                | Self::GroupLasso { strength, .. },
                own,
            ) => *strength = if let [one] = own { (*one).into() } else { own.to_vec().into() },
            (Self::None | Self::Smooth { .. }, own) => {
                return Err(Error::argument(
                    "strengths",
                    if *self == Self::None { "a penalty that they are for" } else { "one of each target" },
                    format!("{} for {}", own.len(), self.name()),
                    "use ridge, lasso or elastic-net for one of each coefficient",
                ));
            }
        }
        Ok(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regularizer::GridAxis;

    const KEEP: [bool; 5] = [true, false, true, true, false];
    const FEATURES: [[usize; 2]; 2] = [[0, 2], [2, 5]];

    #[test]
    fn strengths_and_groups_stay_with_their_columns() {
        let each: Strength = vec![1.0, 2.0, 3.0, 4.0, 5.0].into();
        let some = |own: Regularizer| own.of_columns(&KEEP, &FEATURES).unwrap();
        let expected: Strength = vec![1.0, 3.0, 4.0].into();
        assert_eq!(
            some(Regularizer::Lasso { strength: each.clone() }),
            Regularizer::Lasso { strength: expected.clone() }
        );
        assert_eq!(
            some(Regularizer::ElasticNet { strength: each, ratio: 0.3 }),
            Regularizer::ElasticNet { strength: expected, ratio: 0.3 }
        );
        let own: Strength = vec![0.5, 2.0].into();
        let grouped = |groups| Regularizer::GroupLasso { strength: own.clone(), groups };
        let left = grouped(Groups::Columns(vec![vec![0], vec![1, 2]]));
        assert_eq!(some(grouped(Groups::Features)), left);
        assert_eq!(
            some(grouped(Groups::Columns(vec![vec![0, 1], vec![3, 2]]))),
            grouped(Groups::Columns(vec![vec![0], vec![2, 1]]))
        );
    }

    #[test]
    fn a_part_of_a_design_finds_its_place_in_the_whole() {
        let places = [Some(1), Some(2), Some(4)];
        let ridge = Regularizer::Ridge { strength: vec![1.0, 2.0, 3.0].into() };
        let expected: Strength = vec![0.0, 1.0, 2.0, 0.0, 3.0].into();
        assert_eq!(ridge.in_layout(&places, 5), Regularizer::Ridge { strength: expected });
        let grouped =
            |groups| Regularizer::GroupLasso { strength: 0.5.into(), groups: Groups::Columns(groups) };
        assert_eq!(
            grouped(vec![vec![0, 2], vec![1]]).in_layout(&places, 5),
            grouped(vec![vec![1, 4], vec![2]])
        );
        let smooth = |first| {
            let axes = vec![GridAxis { len: 2, is_cyclic: false }];
            Regularizer::Smooth { strength: 2.0, order: 1, grids: vec![Grid { first, axes }] }
        };
        assert_eq!(smooth(0).in_layout(&places, 5), smooth(1));
    }

    #[test]
    fn what_is_smooth_stays_whole_or_goes() {
        let line = |first, len| Grid { first, axes: vec![GridAxis { len, is_cyclic: false }] };
        let smooth = |grids| Regularizer::Smooth { strength: 2.0, order: 1, grids };
        let keep = [true, false, false, true, true];
        let both = smooth(vec![line(1, 2), line(3, 2)]);
        assert_eq!(both.of_columns(&keep, &[]).unwrap(), smooth(vec![line(1, 2)]));
        let gone = [true, false, false, false, false];
        assert_eq!(both.of_columns(&gone, &[]).unwrap(), Regularizer::None);
        let part = both.of_columns(&[true, true, false, false, false], &[]).unwrap_err();
        assert!(part.to_string().contains("1 of 2"), "{part}");
    }

    #[test]
    fn strengths_are_replaced_where_there_are_some() {
        let ridge = Regularizer::Ridge { strength: 1.0.into() };
        assert_eq!(ridge.with_strengths(&[2.0]).unwrap(), Regularizer::Ridge { strength: 2.0.into() });
        assert_eq!(ridge.with_strengths(&[0.0]).unwrap(), Regularizer::None);
        let each = ridge.with_strengths(&[2.0, 0.0]).unwrap();
        assert_eq!(each, Regularizer::Ridge { strength: vec![2.0, 0.0].into() });
        assert!(Regularizer::None.with_strengths(&[1.0]).is_err());
        let smooth = Regularizer::Smooth { strength: 1.0, order: 2, grids: Vec::new() };
        assert!(smooth.with_strengths(&[1.0, 2.0]).is_err() && smooth.with_strengths(&[3.0]).is_ok());
    }
}
