//! What is wrong with the words of a command, in the two lines of every error.
//!
//! The parser knows the mistake but words it in its own way, over several lines; here its kind and context become
//! the same errors that everything else returns.

use std::error::Error as _;
use std::num::{ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};

use super::args::Cli;
use crate::Error;
use crate::error::nearest;

/// What is wrong with the words; `None` for a text that was asked for (help, version).
pub(super) fn error(error: &clap::Error, words: &[String]) -> Option<Error> {
    use ErrorKind as Kind;
    let command = Cli::command();
    let (used, name) = used(&command, words);
    let see = format!("see `{name} --help`");
    let option = text(error, ContextKind::InvalidArg);
    let option = option.split(' ').next().unwrap_or_default();
    let variable = used.and_then(|used| variable(used, option, words));
    let (option, see) = match &variable {
        Some(variable) => (variable.as_str(), format!("change or unset {variable}, or {see}")),
        None => (option, see),
    };
    let value = text(error, ContextKind::InvalidValue);
    Some(match error.kind() {
        Kind::DisplayHelp | Kind::DisplayVersion | Kind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        Kind::ValueValidation => bad_value(error, option, &value, see, variable.is_some()),
        Kind::InvalidValue if value.is_empty() => {
            let help = match option.chars().next() {
                Some('<') => format!("give the path of a file, or {see}"),
                Some('-') => format!("give one after {option}, or {see}"),
                _ => see,
            };
            Error::argument(option, "a value", "nothing", help)
        }
        Kind::InvalidValue => {
            let valid = texts(error, ContextKind::ValidValue);
            let begun: Vec<&str> =
                valid.iter().filter(|valid| valid.starts_with(&value)).map(String::as_str).collect();
            let help = match nearest(&value, &valid) {
                _ if !begun.is_empty() => format!("did you mean {}? {see}", begun.join(" or ")),
                // three letters of one kind are too near to those of another
                Some(near) if value.len() > 3 => format!("did you mean {near}? {see}"),
                _ => see,
            };
            Error::argument(option, format!("one of {}", valid.join(", ")), quoted(&value), help)
        }
        Kind::UnknownArgument => unknown_option(option, &name, used.unwrap_or(&command)),
        Kind::InvalidSubcommand => {
            let known = used.unwrap_or(&command).get_subcommands();
            let present = known.map(|known| known.get_name().to_string()).collect();
            let unknown = text(error, ContextKind::InvalidSubcommand);
            Error::Unknown { kind: "command", name: unknown, place: name, present }
        }
        Kind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg).join(" and ");
            Error::argument(name, missing, "nothing in its place", see)
        }
        Kind::ArgumentConflict => {
            let other = texts(error, ContextKind::PriorArg).join(" and ");
            let other = other.split(' ').next().unwrap_or_default();
            if other.is_empty() || other == option {
                Error::argument(option, "it once", "it more often", "keep one of them")
            } else {
                Error::argument(option, format!("it without {other}"), "both", "keep one of them")
            }
        }
        Kind::InvalidUtf8 => Error::argument(name, "words in UTF-8", "other bytes", see),
        _ => {
            let said = error.to_string();
            let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Error::argument(name, "words that make a command", format!("others ({line})"), see)
        }
    })
}

/// The command that the words name, with those below it, and its whole name.
fn used<'c>(program: &'c Command, words: &[String]) -> (Option<&'c Command>, String) {
    let (mut used, mut name) = (None, "rheobase".to_string());
    for word in words.iter().skip(1) {
        let Some(next) = used.unwrap_or(program).find_subcommand(word) else { break };
        used = Some(next);
        name = format!("{name} {word}");
    }
    (used, name)
}

/// The environment variable that an option took its value from, which is wherever it was not typed.
fn variable(used: &Command, option: &str, words: &[String]) -> Option<String> {
    let known = used
        .get_arguments()
        .find(|known| known.get_long().is_some_and(|long| option.strip_prefix("--") == Some(long)))?;
    let is_typed = words
        .iter()
        .any(|word| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
    known.get_env().filter(|_| !is_typed).map(|variable| variable.to_string_lossy().into_owned())
}

/// A value that its own reader refused.
fn bad_value(error: &clap::Error, option: &str, value: &str, see: String, is_variable: bool) -> Error {
    let reason = error.source();
    if let Some(Error::Argument { what, expected, found, help }) =
        reason.and_then(|reason| reason.downcast_ref::<Error>())
    {
        // the variable instead of the option
        return if is_variable {
            Error::argument(option, expected, found, see)
        } else {
            Error::argument(what, expected, found, help)
        };
    }
    let expected = match reason {
        Some(reason) if reason.is::<ParseIntError>() => "a whole number, 0 or more",
        Some(reason) if reason.is::<ParseFloatError>() => "a number",
        _ => "another value",
    };
    Error::argument(option, expected, quoted(value), see)
}

fn unknown_option(word: &str, name: &str, used: &Command) -> Error {
    if word.starts_with("--") {
        let known = used.get_arguments().filter(|known| !known.is_hide_set()).filter_map(Arg::get_long);
        return Error::Unknown {
            kind: "option",
            name: word.into(),
            place: format!("`{name}`"),
            present: known.map(|known| format!("--{known}")).collect(),
        };
    }
    let help = if word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        "no option takes a number below 0; if it belongs to a name, write --option=value".to_string()
    } else {
        format!("put names with spaces in quotes, or see `{name} --help`")
    };
    Error::argument(name, "an option or nothing more", quoted(word), help)
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// A context of the error as one text, empty without it.
fn text(error: &clap::Error, kind: ContextKind) -> String {
    texts(error, kind).swap_remove(0)
}

/// A context of the error, at least one text.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) if !texts.is_empty() => texts.clone(),
        _ => vec![String::new()],
    }
}
