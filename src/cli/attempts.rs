//! Several tries at a fit on a device that fails.

use crate::backend::gpu::Limits;
use crate::error::{DeviceError, Reached};
use crate::{Error, Result};

/// What work came to, or why it did not, and how far what went before had come.
type Ended<T> = std::result::Result<(T, Vec<Reached>), (Error, Vec<Reached>)>;

/// Works on a device, on a fresh one if it went away, which may happen once, and with less of the design on it if it has no
/// room (and it `may_shrink`); the device that is left and the outcome, with where it began. `work` is told how far the work
/// before it had come.
pub(super) fn attempts<D, T>(
    mut device: D,
    may_shrink: bool,
    mut work: impl FnMut(&D, &[Reached]) -> Result<T>,
    mut open: impl FnMut(Limits) -> Result<D>,
    notices: &mut Vec<String>,
) -> (Option<D>, Ended<T>) {
    let (mut reached, mut limits, mut n_lost): (Vec<Reached>, _, _) = (Vec::new(), Limits::default(), 0);
    loop {
        let error = match work(&device, &reached) {
            Ok(done) => return (Some(device), Ok((done, reached))),
            Err(Error::Unfinished { source, reached: points }) => {
                further(&mut reached, points);
                source
            }
            Err(Error::Gpu(error)) => error,
            Err(other) => return (Some(device), Err((other, reached))),
        };
        let notice = match (&error, limits.most_bytes) {
            (DeviceError::OutOfMemory { held_bytes, .. }, None) if may_shrink => {
                limits.most_bytes = Some(held_bytes / 2);
                format!("began again with less of the design on the GPU: {error}")
            }
            (DeviceError::OutOfMemory { .. }, Some(1..)) => {
                limits.most_bytes = Some(0);
                format!("began again with as little of the design on the GPU as can be: {error}")
            }
            _ if error.is_passing() && n_lost == 0 => {
                n_lost += 1;
                format!("the fit went on on a fresh device: {error}")
            }
            _ => {
                put_away(device, &error);
                return (None, Err((Error::Gpu(error), reached)));
            }
        };
        put_away(device, &error);
        device = match open(limits) {
            Ok(fresh) => fresh,
            Err(again) => return (None, Err((again, reached))),
        };
        notices.push(notice);
    }
}

/// Joins the points that another attempt has reached, which began at those before it.
fn further(reached: &mut Vec<Reached>, points: Vec<Reached>) {
    for mut point in points {
        let earlier = reached.iter().position(|earlier| earlier.target == point.target);
        if let Some(earlier) = earlier.map(|k| reached.swap_remove(k)) {
            point.iterations += earlier.iterations;
            point.passes += earlier.passes;
        }
        reached.push(point);
    }
}

/// Closes a device that failed; one that does not answer would be waited for without end, so it is left open.
fn put_away<D>(device: D, error: &DeviceError) {
    if let DeviceError::Hung { .. } = error { std::mem::forget(device) } else { drop(device) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::Gpu(DeviceError::Lost { reason: "pulled out".into() })
    }

    fn full() -> Error {
        Error::Gpu(DeviceError::OutOfMemory { asked_bytes: 100, held_bytes: 1000 })
    }

    #[test]
    fn work_goes_on_on_a_fresh_device_once() {
        let mut notices = Vec::new();
        let point = Reached { target: 0, coef: vec![1.5], intercept: -2.0, iterations: 3, passes: 4 };
        let unfinished = || vec![point.clone()];
        let work = |device: &i32, reached: &[Reached]| match device {
            1 => Err(Error::Unfinished {
                source: DeviceError::Lost { reason: "pulled out".into() },
                reached: unfinished(),
            }),
            _ => Ok(reached.to_vec()),
        };
        let (device, outcome) = attempts(1, true, work, |_| Ok(2), &mut notices);
        assert_eq!((device, outcome.unwrap()), (Some(2), (vec![point.clone()], vec![point.clone()])));
        assert!(notices.len() == 1 && notices[0].contains("fresh device: the GPU was lost: pulled out"));
        let (device, outcome) = attempts(1, true, work, |_| Ok(1), &mut notices);
        let (error, reached) = outcome.unwrap_err();
        assert!(device.is_none() && matches!(error, Error::Gpu(DeviceError::Lost { .. })));
        let twice = Reached { iterations: 6, passes: 8, ..point.clone() };
        assert_eq!(reached, [twice], "what was reached is there for the CPU, with all steps");
        let (device, outcome) = attempts(1, true, work, |_| Err(lost()), &mut notices);
        assert!(device.is_none() && outcome.is_err());
    }

    #[test]
    fn less_and_less_of_a_design_is_put_on_a_device_without_room() {
        let mut notices = Vec::new();
        let limit = |limits: Limits| Ok(limits.most_bytes.unwrap());
        let work = |most: &u64, _: &[Reached]| if *most > 0 { Err(full()) } else { Ok(*most) };
        let (device, outcome) = attempts(u64::MAX, true, work, limit, &mut notices);
        assert_eq!((device, outcome.unwrap()), (Some(0), (0, vec![])));
        assert!(notices.len() == 2 && notices[0].contains("less of the design"), "{notices:?}");
        let (device, outcome) = attempts(u64::MAX, true, |_, _| Err::<i32, _>(full()), limit, &mut notices);
        assert!(device.is_none() && matches!(outcome, Err((Error::Gpu(DeviceError::OutOfMemory { .. }), _))));
    }

    #[test]
    fn what_a_fresh_device_would_not_mend_is_told_at_once() {
        let mut notices = Vec::new();
        let rejected =
            || Error::Gpu(DeviceError::ShaderRejected { kernel: "fused".into(), message: "no".into() });
        let (_, outcome) = attempts(1, true, |_, _| Err::<i32, _>(rejected()), |_| Ok(2), &mut notices);
        assert!(outcome.is_err() && notices.is_empty());
        let empty = || Error::argument("y", "counts", "words", "look at it");
        let (device, outcome) = attempts(1, true, |_, _| Err::<i32, _>(empty()), |_| Ok(2), &mut notices);
        assert!(device == Some(1) && matches!(outcome, Err((Error::Argument { .. }, _))));
    }
}
