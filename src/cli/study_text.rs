//! The resolved study of a fit: every option with the value in force, as a study file that reads back to the same fit.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::args::FitArgs;
use super::cv_args::Strengths;

/// The option that prints the study.
pub(super) const PRINT: &str = "print_config";
/// The options that say what to do with a study, and are none of it.
const NONE_OF_IT: [&str; 2] = [PRINT, "resume"];

/// The study, one entry per option in the order of `rheobase fit --help`.
#[derive(Clone, Debug, Default)]
pub struct StudyText {
    /// Options with a value, as TOML; those without as a comment that says what they would do.
    lines: Vec<(IsSet, String)>,
    /// The first key whose value is no UTF-8, which TOML cannot hold.
    no_text: Option<String>,
}

/// Whether an option has a value.
type IsSet = bool;

/// The options of `fit` as its parser knows them: whatever is added there is a key of a study at once.
pub(super) fn definition() -> Command {
    FitArgs::augment_args(Command::new("fit"))
}

/// The options that a study may set, in the order of the help.
pub(super) fn options(definition: &Command) -> impl Iterator<Item = &Arg> {
    definition.get_arguments().filter(|option| !NONE_OF_IT.contains(&option.get_id().as_str()))
}

/// The key of an option: its long name, or the name of a positional argument.
pub(super) fn key(option: &Arg) -> String {
    option.get_long().map_or_else(|| option.get_id().as_str().replace('_', "-"), String::from)
}

/// Whether an option is a switch that is on or off.
pub(super) fn is_flag(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// Whether an option may be given several times.
pub(super) fn is_repeatable(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

/// Whether the values of an option have this type.
pub(super) fn holds<T: 'static>(parser: &ValueParser) -> bool {
    parser.type_id() == std::any::TypeId::of::<T>()
}

impl StudyText {
    /// Every option that has a value, as TOML.
    pub(super) fn toml(&self) -> String {
        self.lines.iter().filter(|(is_set, _)| *is_set).map(|(_, line)| line.as_str()).collect()
    }

    /// The same with a comment for every option that has none.
    pub(super) fn with_comments(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let lines: String = self.lines.iter().map(|(_, line)| line.as_str()).collect();
        format!("# A study of rheobase {version}; `rheobase fit FILE.toml` carries it out.\n{lines}")
    }

    /// The first key whose value TOML cannot hold, because it is no UTF-8.
    pub(super) fn no_text(&self) -> Option<&str> {
        self.no_text.as_deref()
    }

    fn add(&mut self, option: &Arg, matches: &ArgMatches) {
        let key = key(option);
        let id = option.get_id().as_str();
        let mut values = Vec::new();
        for raw in matches.get_raw(id).into_iter().flatten() {
            if raw.to_str().is_none() {
                self.no_text.get_or_insert(key.clone());
            }
            values.push(value(option, &raw.to_string_lossy()));
        }
        self.lines.push(if is_flag(option) {
            (true, format!("{key} = {}\n", matches.get_flag(id)))
        } else if is_repeatable(option) && !values.is_empty() {
            (true, format!("{key} = [{}]\n", values.join(", ")))
        } else if let Some(value) = values.first() {
            (true, format!("{key} = {value}\n"))
        } else {
            let name = option.get_value_names().and_then(<[_]>::first).map_or("..", |name| name.as_str());
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            (false, format!("# {key} = {name}  # {help}\n"))
        });
    }
}

/// A value as TOML: a number where the option takes one and TOML writes it in the same way, else a text.
fn value(option: &Arg, typed: &str) -> String {
    let parser = option.get_value_parser();
    let takes_number =
        holds::<f64>(parser) || holds::<usize>(parser) || holds::<u64>(parser) || holds::<Strengths>(parser);
    let read: Option<toml::Value> = typed.parse().ok().filter(|_| takes_number);
    match read {
        Some(toml::Value::Integer(_) | toml::Value::Float(_)) => typed.into(),
        _ => toml::Value::from(typed).to_string(),
    }
}

/// Adds no argument: it looks at the others.
impl Args for StudyText {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for StudyText {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut study = Self::default();
        options(&definition()).for_each(|option| study.add(option, matches));
        Ok(study)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
