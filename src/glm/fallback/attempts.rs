//! Several tries at a fit on a device that fails.

use crate::backend::DeviceEvent;
use crate::backend::gpu::Limits;
use crate::error::{DeviceError, Reached};
use crate::{Error, Result};

/// Bytes of the largest block of rows that a pass takes at a time, and of the smallest that is tried.
const LARGEST_BLOCK: u64 = 32 << 20;
const SMALLEST_BLOCK: u64 = 1 << 20;

/// What work came to, or why it did not, and how far what went before had come.
type Ended<T> = std::result::Result<(T, Vec<Reached>), (Error, Vec<Reached>)>;

/// Works on a device, on a fresh one if it went away or misled, which may happen once, and with less on it if it has no room (and
/// it `may_shrink`); the device that is left and the outcome, with where it began. `work` is told how far the work before it had
/// come. Every error of a device is an event, whatever comes of it, and so is every other device.
pub(super) fn attempts<D, T>(
    mut device: D,
    may_shrink: bool,
    mut work: impl FnMut(&D, &[Reached]) -> Result<T>,
    mut open: impl FnMut(Limits) -> Result<D>,
    events: &mut Vec<DeviceEvent>,
) -> (Option<D>, Ended<T>) {
    let (mut reached, mut limits, mut n_failed): (Vec<Reached>, _, _) = (Vec::new(), Limits::default(), 0);
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
        events.push(DeviceEvent::from(&error));
        let how = match &error {
            DeviceError::OutOfMemory { asked_bytes, held_bytes } if may_shrink => {
                less(&mut limits, *asked_bytes, *held_bytes)
            }
            _ if error.is_passing() && n_failed == 0 => {
                n_failed += 1;
                Some("the fit went on on a fresh device")
            }
            _ => None,
        };
        put_away(device, &error);
        let Some(how) = how else { return (None, Err((Error::Gpu(error), reached))) };
        device = match open(limits) {
            Ok(fresh) => fresh,
            Err(again) => {
                if let Error::Gpu(error) = &again {
                    events.push(DeviceEvent::from(error));
                }
                return (None, Err((again, reached)));
            }
        };
        events.push(DeviceEvent::new("reopened", how));
    }
}

/// Asks for less on a device that has no room for so many bytes: of the design first half, then nothing, then smaller and smaller
/// blocks of its rows; what that is called, `None` if there is nothing less.
fn less(limits: &mut Limits, asked_bytes: u64, held_bytes: u64) -> Option<&'static str> {
    match limits.most_bytes {
        None => {
            limits.most_bytes = Some(held_bytes / 2);
            Some("began again with less of the design on the GPU")
        }
        Some(1..) => {
            limits.most_bytes = Some(0);
            Some("began again with as little of the design on the GPU as can be")
        }
        Some(0) => {
            let smaller = limits.binding_bytes.unwrap_or(LARGEST_BLOCK) / 2;
            // what has no room is a block
            let helps = smaller >= SMALLEST_BLOCK && asked_bytes > SMALLEST_BLOCK;
            helps.then(|| {
                limits.binding_bytes = Some(smaller);
                "began again with smaller blocks on the GPU"
            })
        }
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

    /// The words of events, which are no longer there.
    fn taken(events: &mut Vec<DeviceEvent>) -> Vec<String> {
        events.drain(..).map(|event| event.event).collect()
    }

    fn full() -> Error {
        Error::Gpu(DeviceError::OutOfMemory { asked_bytes: 100, held_bytes: 1000 })
    }

    #[test]
    fn work_goes_on_on_a_fresh_device_once() {
        let mut events = Vec::new();
        let point = Reached { target: 0, coef: vec![1.5], intercept: -2.0, iterations: 3, passes: 4 };
        let unfinished = || vec![point.clone()];
        let work = |device: &i32, reached: &[Reached]| match device {
            1 => Err(Error::Unfinished {
                source: DeviceError::Lost { reason: "pulled out".into() },
                reached: unfinished(),
            }),
            _ => Ok(reached.to_vec()),
        };
        let (device, outcome) = attempts(1, true, work, |_| Ok(2), &mut events);
        assert_eq!((device, outcome.unwrap()), (Some(2), (vec![point.clone()], vec![point.clone()])));
        assert_eq!(taken(&mut events), ["lost", "reopened"]);
        let (device, outcome) = attempts(1, true, work, |_| Ok(1), &mut events);
        assert_eq!(taken(&mut events), ["lost", "reopened", "lost"]);
        let (error, reached) = outcome.unwrap_err();
        assert!(device.is_none() && matches!(error, Error::Gpu(DeviceError::Lost { .. })));
        let twice = Reached { iterations: 6, passes: 8, ..point.clone() };
        assert_eq!(reached, [twice], "what was reached is there for the CPU, with all steps");
        let closed = |_| {
            let (adapter, reason) = ("it".into(), "it is closed".into());
            Err(Error::Gpu(DeviceError::Unavailable { adapter, reason }))
        };
        let (device, outcome) = attempts(1, true, work, closed, &mut events);
        assert!(device.is_none() && matches!(outcome, Err((Error::Gpu(DeviceError::Unavailable { .. }), _))));
        assert!(events[0].reason.ends_with("pulled out") && events[1].reason.ends_with("it is closed"));
        assert_eq!(taken(&mut events), ["lost", "unavailable"], "what does not open does not hide the loss");
    }

    #[test]
    fn less_and_less_of_a_design_is_put_on_a_device_without_room() {
        let mut events = Vec::new();
        let limit = |limits: Limits| Ok(limits.most_bytes.unwrap());
        let work = |most: &u64, _: &[Reached]| if *most > 0 { Err(full()) } else { Ok(*most) };
        let (device, outcome) = attempts(u64::MAX, true, work, limit, &mut events);
        assert_eq!((device, outcome.unwrap()), (Some(0), (0, vec![])));
        assert!(events[1].reason.contains("less of the design"), "{events:?}");
        assert!(events[3].reason.contains("as little of the design"), "{events:?}");
        assert_eq!(taken(&mut events), ["out_of_memory", "reopened", "out_of_memory", "reopened"]);
        let (device, outcome) = attempts(u64::MAX, true, |_, _| Err::<i32, _>(full()), limit, &mut events);
        assert!(device.is_none() && matches!(outcome, Err((Error::Gpu(DeviceError::OutOfMemory { .. }), _))));
    }

    #[test]
    fn what_a_fresh_device_would_not_mend_is_told_at_once() {
        let mut events = Vec::new();
        let rejected =
            || Error::Gpu(DeviceError::ShaderRejected { kernel: "fused".into(), message: "no".into() });
        let (_, outcome) = attempts(1, true, |_, _| Err::<i32, _>(rejected()), |_| Ok(2), &mut events);
        assert!(outcome.is_err());
        assert_eq!(taken(&mut events), ["rejected"]);
        let empty = || Error::argument("y", "counts", "words", "look at it");
        let (device, outcome) = attempts(1, true, |_, _| Err::<i32, _>(empty()), |_| Ok(2), &mut events);
        assert!(
            device == Some(1) && matches!(outcome, Err((Error::Argument { .. }, _))) && events.is_empty()
        );
    }

    #[test]
    fn blocks_are_halved_until_they_fit_and_no_smaller_than_one_helps() {
        let mut events = Vec::new();
        let too_large = |limits: &Limits| limits.binding_bytes.unwrap_or(LARGEST_BLOCK) > 4 << 20;
        let work = |limits: &Limits, _: &[Reached]| {
            let asked_bytes = limits.binding_bytes.unwrap_or(LARGEST_BLOCK);
            let full = Error::Gpu(DeviceError::OutOfMemory { asked_bytes, held_bytes: 10 });
            if too_large(limits) { Err(full) } else { Ok(()) }
        };
        let (device, outcome) = attempts(Limits::default(), true, work, Ok, &mut events);
        let fits = device.unwrap();
        assert!(outcome.is_ok() && (fits.most_bytes, fits.binding_bytes) == (Some(0), Some(4 << 20)));
        assert_eq!(events.len(), 10, "half, nothing, 16, 8 and 4 MiB: {events:?}");
        let smaller = events.iter().filter(|event| event.reason.contains("smaller blocks"));
        assert_eq!(smaller.count(), 3);
        let mut events = Vec::new();
        let (device, outcome) =
            attempts(Limits::default(), true, |_, _| Err::<(), _>(full()), Ok, &mut events);
        assert!(device.is_none() && outcome.is_err());
        assert_eq!(
            taken(&mut events),
            ["out_of_memory", "reopened", "out_of_memory", "reopened", "out_of_memory"]
        );
    }

    #[test]
    fn one_that_does_not_answer_is_not_asked_again() {
        let mut events = Vec::new();
        let hung = || Error::Gpu(DeviceError::Hung { waited_s: 0.1 });
        let (device, outcome) = attempts(1, true, |_, _| Err::<i32, _>(hung()), |_| Ok(2), &mut events);
        assert_eq!((device, taken(&mut events)), (None, vec!["hung".to_string()]));
        assert!(matches!(outcome, Err((Error::Gpu(DeviceError::Hung { .. }), _))));
    }
}
