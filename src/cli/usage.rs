//! What is wrong with the words of a command, in the two lines of every error.
//!
//! The parser knows the mistake but words it in its own way, over several lines; here its kind and context become
//! the same errors that everything else returns.

use std::error::Error as _;
use std::num::{ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::args::Cli;
use crate::Error;

/// The two lines of a usage error; `None` for a text that was asked for (help, version).
pub(super) fn lines(error: &clap::Error, words: &[String]) -> Option<[String; 2]> {
    use ErrorKind as Kind;
    let command = Cli::command();
    let used = words.get(1).and_then(|word| command.find_subcommand(word));
    let name = used.map_or("rheobase".to_string(), |used| format!("rheobase {}", used.get_name()));
    let see = format!("see `{name} --help`");
    let option = text(error, ContextKind::InvalidArg);
    let option = option.split(' ').next().unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue);
    let own = match error.kind() {
        Kind::DisplayHelp | Kind::DisplayVersion | Kind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        Kind::ValueValidation => return Some(bad_value(error, option, &value, see)),
        Kind::InvalidValue if value.is_empty() => {
            let help = if option.starts_with('<') {
                format!("give the path of a file, or {see}")
            } else {
                format!("give one after {option}, or {see}")
            };
            Error::argument(option, "a value", "nothing", help)
        }
        Kind::InvalidValue => {
            let valid = texts(error, ContextKind::ValidValue).join(", ");
            Error::argument(option, format!("one of {valid}"), quoted(&value), see)
        }
        Kind::UnknownArgument => unknown_option(option, &name, used.unwrap_or(&command)),
        Kind::InvalidSubcommand => {
            let present = command.get_subcommands().map(|known| known.get_name().to_string()).collect();
            let name = text(error, ContextKind::InvalidSubcommand);
            Error::Unknown { kind: "command", name, place: "rheobase".into(), present }
        }
        Kind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg).join(" and ");
            Error::argument(name, missing, "nothing in its place", see)
        }
        Kind::ArgumentConflict => Error::argument(option, "it once", "it more often", "keep one of them"),
        _ => {
            let said = error.to_string();
            let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
            return Some([line, see]);
        }
    };
    Some([own.to_string(), own.help()])
}

/// A value that its own reader refused.
fn bad_value(error: &clap::Error, option: &str, value: &str, see: String) -> [String; 2] {
    let reason = error.source();
    if let Some(own) = reason.and_then(|reason| reason.downcast_ref::<Error>()) {
        return [own.to_string(), own.help()];
    }
    let expected = match reason {
        Some(reason) if reason.is::<ParseIntError>() => "a whole number, 0 or more",
        Some(reason) if reason.is::<ParseFloatError>() => "a number",
        _ => "another value",
    };
    let own = Error::argument(option, expected, quoted(value), see);
    [own.to_string(), own.help()]
}

fn unknown_option(word: &str, name: &str, used: &Command) -> Error {
    if word.starts_with("--") {
        let known = used.get_arguments().filter_map(|known| known.get_long());
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
