//! Figures: plain numbers in, drawings out.
//!
//! A [`Figure`] is a [`Drawing`] with the words that go with it. A drawing is rows of [`Panel`]s, a panel is two
//! [`Axis`] and [`Mark`]s, and a mark says by its [`Style`] what it stands for. [`Drawing::svg`] gives text for a
//! page, [`Drawing::png`] an image of the same. Both give the same bytes for the same numbers.
//!
//! The layout is our own: margins from the labels that are there, ticks at round numbers, legends outside of the
//! axes, where they hide no data. Only `canvas.rs` knows the plotting package, and uses its shapes and its writers.

mod axis;
pub mod basis;
pub mod calibration;
mod canvas;
mod clip;
pub mod coefficients;
mod colours;
pub mod confusion;
pub mod convergence;
pub mod couplings;
pub mod cross_validation;
mod decimate;
mod drawing;
mod effects;
pub mod epochs;
pub mod filter;
pub mod goodness;
pub mod intervals;
mod layout;
mod mark;
mod marks;
mod onset;
mod palette;
mod parts;
mod prediction;
mod pulses;
mod session;
mod stretch;
pub mod surface;
pub mod tuning;
mod words;

pub use axis::{Axis, Scale, Ticks};
pub use colours::{Colours, Gradient};
pub use decimate::Decimator;
pub use drawing::{Drawing, Legend, Panel, Row};
pub use effects::{Effects, sum_of_effects};
pub use mark::{Mark, Style};
pub use onset::Onset;
pub use palette::{Dash, Role};
pub use parts::{busiest, busy_parts, onset_of, pulses_of, richest};
pub use prediction::Prediction;
pub use pulses::Pulses;
pub use session::Session;
pub use stretch::{Rates, Stimulus, Stretch};

/// A finished figure with the words that go with it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Stem of its files: `session` for `figures/session.svg`.
    pub name: String,
    /// One line above it.
    pub title: String,
    /// What it shows and how it was made, one paragraph.
    pub caption: String,
    /// The panels.
    pub drawing: Drawing,
}

impl Figure {
    /// A figure whose drawing is described by its title.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        caption: impl Into<String>,
        drawing: Drawing,
    ) -> Self {
        let title = title.into();
        let drawing = Drawing { description: title.clone(), ..drawing };
        Self { name: name.into(), title, caption: caption.into().trim().to_string(), drawing }
    }
}
