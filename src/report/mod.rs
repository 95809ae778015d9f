//! The report of a fit: one HTML file that stands alone.
//!
//! Plain data in ([`Report`]), a document out ([`Report::html`]). The page needs no network and no script: style
//! and figures are part of it. One file per section, in the order of the page; [`typeset`] sets numbers, and every
//! text that comes from a user or a file is escaped by the templates.

mod certificate;
mod classes;
mod computed;
mod content;
mod data_quality;
mod figures;
mod filters;
mod glossary;
mod head;
mod identifiability;
mod null_model;
mod page;
mod scores;
pub mod typeset;
mod verdict;

pub use certificate::Certificate;
pub use content::{Bins, Classes, Computed, Epoch, FigureSvg, Report, ScoreRow, TargetWords, WrittenFile};

/// Most targets that are shown in full.
const MOST_TARGETS: usize = 12;
