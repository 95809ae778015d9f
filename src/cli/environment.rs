//! Which settings came from the environment, so that an error about one names its variable.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::args::Common;

/// The options whose values are those of environment variables, with the names of the variables.
#[derive(Clone, Debug, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// The variable that an option took its value from, `None` if it was typed or left at its default.
    pub(super) fn variable(&self, option: &str) -> Option<&str> {
        self.0.iter().find(|(id, _)| id == option).map(|(_, variable)| variable.as_str())
    }
}

/// Adds no argument: it looks at the others.
impl Args for Environment {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for Environment {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let settings = Common::augment_args(Command::new("settings"));
        let from_environment = settings.get_arguments().filter_map(|setting| {
            let id = setting.get_id().as_str();
            let is_from_it = matches.value_source(id) == Some(ValueSource::EnvVariable);
            let variable = setting.get_env().filter(|_| is_from_it)?;
            Some((id.to_string(), variable.to_string_lossy().into_owned()))
        });
        Ok(Self(from_environment.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
