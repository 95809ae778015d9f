//! The end of a fit that a signal has stopped: the best coefficients so far, at once.
//!
//! Tables, figures and the report take longer than somebody who presses Ctrl-C waits, and are of fits that have ended: a fit that was
//! stopped writes `model.json` and `fit.json`, both marked, beside the checkpoint. Files of an earlier fit in the folder are listed as `stale`. A
//! fit whose time ran out writes everything.

use serde_json::{Map, Value, json};

use super::args::FitArgs;
use super::checkpoint::Keeper;
use super::progress::Progress;
use super::run::{Report, pretty, say};
use super::signals;
use crate::Result;
use crate::write::save::Saver;

/// A fit that was stopped.
pub(super) struct Ended<'f> {
    /// By what.
    pub(super) by: &'f str,
    pub(super) keeper: &'f Keeper,
    pub(super) progress: Progress,
}

/// Marks the result of a fit that did not come to its end.
pub(super) fn mark(document: &mut Map<String, Value>, by: &str, keeper: &Keeper) {
    let mut stopped = json!({ "by": by });
    if let Some((path, resume)) = keeper.path().zip(keeper.resume_command()) {
        stopped["checkpoint"] = json!(path);
        stopped["resume"] = resume.into();
    }
    document.insert("stopped".into(), stopped);
}

impl Ended<'_> {
    /// Writes checkpoint, model and result, and says how to go on. Without a `text` the result is what is printed.
    pub(super) fn report(
        self,
        args: &FitArgs,
        mut document: Map<String, Value>,
        model: &[u8],
        text: String,
    ) -> Result<Report> {
        let Self { by, keeper, progress } = self;
        keeper.write();
        mark(&mut document, by, keeper);
        let text = if args.common.json { pretty(&document.clone().into()) } else { text };
        drop(progress);
        let mut said = format!("stopped by {by}: the coefficients are the best so far");
        if let Some(folder) = &args.common.out {
            let mut saver = Saver::open(folder)?;
            saver.stage("model.json", model)?;
            let n_stale = saver.note_stale(&mut document);
            saver.finish(document)?;
            signals::is_done();
            said = format!("{said}; model.json and fit.json written to {}", folder.display());
            if n_stale > 0 {
                said = format!("{said}, beside {n_stale} files of an earlier fit (\"stale\" in fit.json)");
            }
        }
        // said whatever --quiet says: somebody has to go on from here
        say(&format!("{said}\n{}", keeper.remark()));
        Ok(Report { text, converged: false })
    }
}
