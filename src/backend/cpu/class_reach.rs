//! How far a direction moves differences of the predictors of classes.

use super::class_changes::{Stretch, fold};
use super::simd::Level;
use super::{Array, Line, Storage};
use crate::backend::Reach;
use crate::math::contrasts::Contrasts;

/// See [`crate::backend::Classes::class_reach`].
pub(super) fn class_reach<T: Storage>(
    level: Level,
    line: &Line<T>,
    contrasts: &Contrasts,
    y: &Array<'_, T>,
) -> Reach {
    let n_free = contrasts.n_free();
    let on_tile = |reach: &mut Reach, rows: Stretch<T>| {
        let mut free = vec![0.0; n_free];
        for i in 0..rows.n {
            free.iter_mut().zip(rows.direction).for_each(|(to, piece)| *to = piece[i].to_f64());
            let of_classes = contrasts.of_classes(&free);
            let own = of_classes[rows.y[i].to_f64() as usize];
            for difference in of_classes.iter().map(|of_class| of_class - own) {
                reach.all = reach.all.max(difference.abs());
                reach.fall = reach.fall.max(difference);
            }
        }
        reach.events = reach.all;
    };
    let join = |a: Reach, b: Reach| Reach {
        all: a.all.max(b.all),
        events: a.events.max(b.events),
        silent: a.silent.max(b.silent),
        fall: a.fall.max(b.fall),
    };
    fold(level, line, y.into(), Reach::NONE, on_tile).into_iter().fold(Reach::NONE, join)
}
