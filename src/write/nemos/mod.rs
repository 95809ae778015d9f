//! Model files of `NeMoS`: a fit of ours that `nemos.load_model` loads, and a file of theirs as a fit that can be put on data.
//!
//! The file has the entries, types and shapes that `NeMoS` 0.2.8 writes itself, in its order ([`crate::read::nemos`]), one target
//! as a `GLM` and several as a `PopulationGLM`, of classes as a `ClassifierGLM` and a `ClassifierPopulationGLM`. Some of its own files
//! cannot be loaded by `NeMoS` 0.2.8, or not be scored, and ours are written so that they can: a Gaussian model names its link
//! `identity`, which the loader knows, the mask of a group lasso is an array of numbers instead of a pickled object, and labels
//! that are whole numbers are plain integers. A smoothness penalty, which `NeMoS` does not have, becomes `UnRegularized`, with a
//! note: coefficients and predictions are those of the fit all the same.
//!
//! The same fit gives the same bytes. `tests/check_nemos_interchange.py` compares predictions both ways with `NeMoS` itself.

mod bytes;
mod from_classes;
mod from_fit;
mod into_classes;
mod into_fit;
mod penalty;

pub use bytes::{nemos_bytes, nemos_entries};
pub use from_classes::nemos_of_classes;
pub use from_fit::{Exported, nemos_of};
pub use into_classes::classes_of_nemos;
pub use into_fit::fit_of_nemos;
