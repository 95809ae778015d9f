//! Study files: the options of `rheobase fit`, one TOML key each, by their long names.
//!
//! ```toml
//! data = "recording.nwb"
//! epochs = ["Noise 1"]
//! epoch = 0
//! unit = [0]
//! bin = "1ms"
//! feature = ["stimulus*1e12 : raised-cosine-log(8, window=200ms)", "spikes : raised-cosine-log(3, window=250ms)"]
//! solver = "newton"
//! tolerance = 1e-14
//! explain = true
//! ```
//!
//! `rheobase fit study.toml` carries it out; a file is a study by its ending. The rules:
//!
//! - The keys are those of `rheobase fit --help` without `--`, and `data` for the file that is fitted. There is no
//!   other list of them: an option of `fit` is a key.
//! - A value is what would be typed: a text, or a number where the option takes one (`epoch = 0`). Quantities are
//!   texts with their unit (`bin = "1ms"`); a bare number is refused, as on the command line.
//! - An option that may be repeated takes a list or a single value, a switch takes `true` or `false`.
//! - What is typed behind the study wins over the environment, the environment over the study, the study over the
//!   defaults. A repeatable option that is typed replaces the whole list of the study.
//! - Paths are relative to the folder where the command runs, as if they were typed.
//! - There are no sections. Unknown keys are errors.
//!
//! `rheobase fit .. --print-config` prints the study that the words, the environment and a study make together.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{Cli, Command};
use super::study_text::{PRINT, definition, holds, is_flag, is_repeatable, key, options};
use super::usage;
use crate::error::nearest;
use crate::read::regular;
use crate::{Error, Result};

/// Bytes of the longest study: no list of features is as long.
const MOST_BYTES: u64 = 16 << 20;

/// Why words are no command.
pub(super) enum Refused {
    /// The words themselves, or help and version that were asked for.
    Words(Box<clap::Error>),
    /// The study that they name.
    Study(Error),
}

/// The command that the words are, with the options of a study where `fit` was given one.
pub(super) fn parse(words: &[OsString]) -> std::result::Result<Cli, Refused> {
    let matches = read_words(words)?;
    let typed = matches.subcommand_matches("fit");
    let studied = typed.and_then(|typed| Some((typed, typed.get_one::<PathBuf>("data")?)));
    let Some((typed, path)) = studied.filter(|(_, path)| path.extension().is_some_and(|e| e == "toml"))
    else {
        return cli(&matches);
    };
    let words = merged(path, typed).map_err(Refused::Study)?;
    let cli = cli(&read_words(&words)?)?;
    if let Command::Fit(args) = &cli.command
        && !args.print_config
    {
        find_data(path, &args.data.data).map_err(Refused::Study)?;
    }
    Ok(cli)
}

/// The words that a study stands for, in the order of `rheobase fit --help` and the data last: every key and value is
/// checked by the parser of the command line, and nothing is carried out.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read; [`Error::Argument`] with the line of what is no TOML, no option of
/// `rheobase fit` or no value of it, and for a study without data.
pub fn words(path: &Path) -> Result<Vec<OsString>> {
    let study = Study::read(path)?;
    let mut words = Vec::new();
    for option in definition().get_arguments().filter(|option| !option.is_positional()) {
        words.extend(study.words(&key(option)));
    }
    words.extend(study.words("data"));
    Ok(words)
}

fn read_words(words: &[OsString]) -> std::result::Result<ArgMatches, Refused> {
    Cli::command().try_get_matches_from(words).map_err(|error| Refused::Words(Box::new(error)))
}

fn cli(matches: &ArgMatches) -> std::result::Result<Cli, Refused> {
    Cli::from_arg_matches(matches).map_err(|error| Refused::Words(Box::new(error)))
}

/// The words that say what was typed and, where nothing was typed or set in the environment, what the study says.
fn merged(path: &Path, typed: &ArgMatches) -> Result<Vec<OsString>> {
    let study = Study::read(path)?;
    let mut words: Vec<OsString> = vec!["rheobase".into(), "fit".into()];
    for option in definition().get_arguments().filter(|option| !option.is_positional()) {
        match typed.value_source(option.get_id().as_str()) {
            Some(ValueSource::CommandLine) => words.extend(typed_words(option, typed)),
            Some(ValueSource::EnvVariable) => {}
            _ => words.extend(study.words(&key(option))),
        }
    }
    words.push("--".into());
    words.extend(study.words("data"));
    Ok(words)
}

/// An option as it was typed.
fn typed_words(option: &Arg, typed: &ArgMatches) -> Vec<OsString> {
    if is_flag(option) {
        return vec![format!("--{}", key(option)).into()];
    }
    let word = |value: &OsStr| {
        let mut word = OsString::from(format!("--{}=", key(option)));
        word.push(value);
        word
    };
    let raw = typed.get_raw(option.get_id().as_str());
    raw.into_iter().flatten().map(word).collect()
}

/// A file that is not there, but beside the study: paths are not relative to the study.
fn find_data(study: &Path, data: &Path) -> Result<()> {
    let folder = study.parent().unwrap_or(Path::new(""));
    let beside = folder.join(data);
    if data.exists() || folder.as_os_str().is_empty() || !beside.exists() {
        return Ok(());
    }
    Err(Error::object(
        study,
        "data",
        format!("{} does not exist in the folder where the command runs", data.display()),
        format!("run it in {}, or write data = \"{}\"", folder.display(), beside.display()),
    ))
}

/// A study file whose keys and values are known to be good, each as words.
struct Study(Vec<(String, Vec<String>)>);

impl Study {
    fn read(path: &Path) -> Result<Self> {
        let file = path.display();
        let help = "give the study file in it, or call the folder something else";
        let bytes = regular::bytes(path, "a study file (TOML)", help, MOST_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::argument(file.to_string(), "text in UTF-8", "other bytes", "save it as UTF-8")
        })?;
        let table = DeTable::parse(&text).map_err(|error| syntax(path, &text, &error))?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut study = Vec::new();
        for (key, value) in entries {
            let place = format!("{file}, line {}", line_and_column(&text, key.span().start).0);
            study.push((key.get_ref().to_string(), entry(&place, key.get_ref(), value)?));
        }
        if !study.iter().any(|(key, _)| key == "data") {
            let help = "add a line like data = \"recording.nwb\"";
            return Err(Error::argument(format!("{file}: data"), "the file to fit", "nothing", help));
        }
        Ok(Self(study))
    }

    fn words(&self, key: &str) -> impl Iterator<Item = OsString> {
        let own = self.0.iter().filter(move |(known, _)| known == key);
        own.flat_map(|(_, words)| words).map(OsString::from)
    }
}

/// The words of one key, checked by the parser of the command line.
fn entry(place: &str, name: &str, value: &Spanned<DeValue>) -> Result<Vec<String>> {
    let definition = definition();
    if value.get_ref().is_table() {
        let help = "a study has no sections: write every option as `key = value`";
        return Err(Error::argument(format!("{place}: {name}"), "a value", "a table", help));
    }
    let Some(option) = options(&definition).find(|option| key(option) == name) else {
        return Err(unknown(place, name, options(&definition).map(key).collect()));
    };
    let place = format!("{place}: {name}");
    let values = values(&place, option, value.get_ref())?;
    let (words, mut probe) = if option.is_positional() {
        (values.clone(), vec!["rheobase".to_string(), "fit".into(), "--".into()])
    } else if is_flag(option) {
        return Ok(values.into_iter().filter(|value| value == "true").map(|_| format!("--{name}")).collect());
    } else {
        let words = values.iter().map(|value| format!("--{name}={value}")).collect();
        (words, vec!["rheobase".into(), "fit".into(), "study.toml".into()])
    };
    probe.extend(words.clone());
    match Cli::command().try_get_matches_from(&probe).err().and_then(|error| usage::error(&error, &probe)) {
        None => Ok(words),
        Some(Error::Argument { expected, found, help, .. }) => {
            Err(Error::argument(place, expected, found, help))
        }
        Some(other) => Err(other),
    }
}

/// The values of a key as they would be typed.
fn values(place: &str, option: &Arg, value: &DeValue) -> Result<Vec<String>> {
    let found = |value: &DeValue| match value {
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Array(list) => format!("a list of {}", list.len()),
        DeValue::Table(_) => "a table".into(),
        other => format!("`{}`", scalar(other).unwrap_or_default()),
    };
    let wrong =
        |expected: &str, value: &DeValue, help: String| Error::argument(place, expected, found(value), help);
    if is_flag(option) {
        return match value {
            DeValue::Boolean(on) => Ok(vec![on.to_string()]),
            other => Err(wrong("true or false", other, "write it without quotes".into())),
        };
    }
    let list: Vec<&DeValue> = match value {
        DeValue::Array(list) if is_repeatable(option) => list.iter().map(Spanned::get_ref).collect(),
        DeValue::Array(_) => return Err(wrong("one value", value, "keep one, without brackets".into())),
        single => vec![single],
    };
    let takes_path = holds::<PathBuf>(option.get_value_parser());
    let typed = |value: &DeValue| match value {
        DeValue::String(text) if key(option) == "data" && is_study(text) => {
            Err(wrong("a file of data", value, "a study cannot be the data of a study".into()))
        }
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(_) | DeValue::Float(_) if !takes_path => Ok(scalar(value).unwrap_or_default()),
        DeValue::Integer(_) | DeValue::Float(_) => Err(wrong("a path", value, "write it in quotes".into())),
        _ => {
            let help = format!("write texts in quotes: {} = \"..\"", key(option));
            Err(wrong("a text or a number", value, help))
        }
    };
    list.into_iter().map(typed).collect()
}

fn is_study(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "toml")
}

/// A value that is neither text nor list, as it would be typed; `None` for the others.
fn scalar(value: &DeValue) -> Option<String> {
    Some(match value {
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => number.to_string(),
            // as it is, for the parser to refuse
            Err(_) => digits.to_string(),
        },
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

fn unknown(place: &str, name: &str, known: Vec<String>) -> Error {
    let help = if name == PRINT || name == PRINT.replace('_', "-") {
        "leave it out and type it: rheobase fit FILE.toml --print-config".into()
    } else {
        let meant = nearest(name, &known).map_or(String::new(), |near| format!("did you mean `{near}`? "));
        format!("{meant}the keys are: {}", known.join(", "))
    };
    Error::argument(place, "a key that is an option of `rheobase fit`", format!("`{name}`"), help)
}

/// Text that is no TOML.
fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(text.len(), |span| span.start);
    let (line, column) = line_and_column(text, at);
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    let said = error.message().lines().collect::<Vec<_>>().join(" ");
    let help = if written.is_empty() {
        "write every option as `key = value`, texts in quotes".to_string()
    } else {
        format!("write every option as `key = value`, texts in quotes; this line is `{written}`")
    };
    let place = format!("{}, line {line}, column {column}", path.display());
    Error::argument(place, "TOML", format!("a mistake ({said})"), help)
}

/// Line and column of a place in a text, both from 1, in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
