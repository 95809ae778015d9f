//! What a checkpoint is of: the version of the program, the options that decide the result, and the files that these name.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::args::FitArgs;
use crate::write::digest::digest_file;
use crate::{Error, Result};

/// Free but beside `--cv`, where fits that end for lack of them decide scores.
const MAX_ITERATIONS: &str = "max-iterations";
/// Options that may differ: they decide neither the data nor the answer.
const FREE: [&str; 14] = [
    "data",
    // the certificate is the same wherever the steps are taken
    "backend",
    "device",
    "out",
    "json",
    "quiet",
    "threads",
    "explain",
    "time-limit",
    MAX_ITERATIONS,
    "memory-limit",
    "checkpoint",
    "checkpoint-every",
    "write-nwb",
];

/// What a checkpoint is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    version: String,
    /// Options that decide the result, as a study holds them.
    options: BTreeMap<String, String>,
    /// SHA-256 of the files that options name, by option.
    files: BTreeMap<String, String>,
}

/// The options of a fit, as a study holds them.
pub(super) fn study_of(args: &FitArgs) -> Result<Table> {
    args.study.toml().parse().map_err(|error: toml::de::Error| {
        let help = "rename the file, or fit without --checkpoint and --out";
        Error::argument("options", "a study that reads back", error.message(), help)
    })
}

/// The texts of a study, with their options.
pub(super) fn words_of(study: &Table) -> Vec<(String, String)> {
    let words = |value: &Value| match value {
        Value::String(word) => vec![word.clone()],
        Value::Array(words) => words.iter().filter_map(|word| word.as_str().map(String::from)).collect(),
        _ => Vec::new(),
    };
    study
        .iter()
        .flat_map(|(option, value)| words(value).into_iter().map(|word| (option.clone(), word)))
        .collect()
}

impl Identity {
    pub(super) fn of(args: &FitArgs, sha256: &str) -> Result<Self> {
        let mut study = study_of(args)?;
        let decides =
            |option: &str| !FREE.contains(&option) || (option == MAX_ITERATIONS && args.cv.cv.is_some());
        study.retain(|option, _| decides(option));
        let mut own = Self { version: env!("CARGO_PKG_VERSION").into(), ..Self::default() };
        own.files.insert("data".into(), sha256.into());
        // tables, figures and copies need more of a fit than its numbers
        for (option, is_given) in
            [("out", args.common.out.is_some()), ("write-nwb", args.write_nwb.is_some())]
        {
            own.options.insert(option.into(), if is_given { "given" } else { "not given" }.into());
        }
        for (k, (option, word)) in words_of(&study).into_iter().enumerate() {
            if Path::new(&word).is_file() {
                own.files.insert(format!("{option} {k}"), digest_file(Path::new(&word))?);
            }
        }
        own.options.extend(study.into_iter().map(|(option, value)| (option, value.to_string())));
        Ok(own)
    }

    /// Refuses a checkpoint of another fit.
    pub(super) fn check(&self, now: &Self, path: &Path) -> Result<()> {
        let of_options = || {
            differing(&self.options, &now.options, |option, own, now| {
                format!("--{option} {own} then, {now} now")
            })
        };
        let of_files = || {
            differing(&self.files, &now.files, |option, _, _| match option {
                "data" => "other data: the file has changed".into(),
                option => format!("another file of --{}", option.split(' ').next().unwrap_or(option)),
            })
        };
        let of_version = (self.version != now.version)
            .then(|| format!("one of version {}, not {}", self.version, now.version));
        let found = of_version.or_else(of_options).or_else(of_files);
        let Some(found) = found else { return Ok(()) };
        let what = format!("--resume, {}", path.display());
        let help = "resume with the options and the data of the fit that was stopped, or leave out --resume";
        Err(Error::argument(what, "the checkpoint of this fit", found, help))
    }
}

/// The first entry that two lists do not share.
fn differing(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    said: impl Fn(&str, &str, &str) -> String,
) -> Option<String> {
    let options = then.keys().chain(now.keys());
    let value = |of: &BTreeMap<String, String>, option: &String| of.get(option).cloned();
    let differs = |option: &&String| value(then, option) != value(now, option);
    let first = options.into_iter().find(differs)?;
    let shown = |of| value(of, first).unwrap_or_else(|| "not given".into());
    Some(said(first, &shown(then), &shown(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said() {
        let identity = |tolerance: &str, digest: &str| Identity {
            version: "1".into(),
            options: [("tolerance".to_string(), tolerance.to_string())].into(),
            files: [("data".to_string(), digest.to_string())].into(),
        };
        let path = Path::new("c.json");
        let own = identity("1e-9", "ab");
        assert!(own.check(&own, path).is_ok());
        let said = |now: &Identity| own.check(now, path).unwrap_err().to_string();
        assert_eq!(
            said(&identity("1e-8", "ab")),
            "--resume, c.json: expected the checkpoint of this fit, found --tolerance 1e-9 then, 1e-8 now"
        );
        assert!(said(&identity("1e-9", "cd")).contains("the file has changed"));
        assert!(said(&Identity { options: BTreeMap::new(), ..own.clone() }).contains("not given now"));
        assert!(said(&Identity { version: "2".into(), ..own.clone() }).contains("version 1, not 2"));
    }
}
