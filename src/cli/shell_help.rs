//! `rheobase completions` and `rheobase man`: what a shell and a reader need, from the definition of the options.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;
use super::examples::{COMPLETIONS_HELP, MAN_HELP};
use super::run::{Report, say};
use crate::write::save::{check_writable, save_bytes};
use crate::{Error, Result};

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub struct ManArgs {
    /// A command; the page of the program without it
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub page: Option<String>,
    /// Write all pages into this folder, one per command
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What the commands end with, for the page that lists them.
const EXIT_STATUS: &str = "\
0  done
1  the machine failed: disk full, not writable, out of memory
2  what was typed is wrong
3  what a file contains is wrong
4  some target is not at its optimum; the results are complete and marked
5  a device that was asked for is absent
";

/// The script that completes the commands and options in a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rheobase", &mut script);
    Report { text: String::from_utf8_lossy(&script).into_owned(), converged: true }
}

/// A manual page, or all of them as files.
pub(super) fn man(args: &ManArgs) -> Result<Report> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    for command in with_nested(&program) {
        let page = page(command).map_err(|error| Error::io(std::path::Path::new("manual page"), error))?;
        let name = command.get_display_name().unwrap_or("rheobase");
        pages.push((name.trim_start_matches("rheobase-").to_string(), page));
    }
    let text = match (&args.out, &args.page) {
        (Some(folder), _) => {
            check_writable(folder)?;
            for (_, (file, bytes)) in &pages {
                save_bytes(&folder.join(file), bytes)?;
            }
            say(&format!("{} files written to {}", pages.len(), folder.display()));
            String::new()
        }
        (None, name) => {
            let name = name.as_deref().unwrap_or("rheobase");
            let Some((_, (_, bytes))) = pages.iter().find(|(command, _)| command == name) else {
                let present = pages.into_iter().skip(1).map(|(command, _)| command).collect();
                let place = "rheobase".to_string();
                return Err(Error::Unknown { kind: "command", name: name.into(), place, present });
            };
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    Ok(Report { text, converged: true })
}

/// A command and all below it.
fn with_nested(command: &clap::Command) -> Vec<&clap::Command> {
    let nested = command.get_subcommands().filter(|below| below.get_name() != "help");
    std::iter::once(command).chain(nested.flat_map(with_nested)).collect()
}

/// The name of a command's page and the page.
fn page(command: &clap::Command) -> std::io::Result<(String, Vec<u8>)> {
    let man = Man::new(command.clone()).manual("rheobase manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
        page.extend(verbatim("EXIT STATUS", EXIT_STATUS).into_bytes());
    }
    if let Some(examples) = command.get_after_help() {
        page.extend(verbatim("USAGE AND EXAMPLES", &examples.to_string()).into_bytes());
    }
    Ok((man.get_filename(), page))
}

/// A section whose lines stand as they are.
fn verbatim(heading: &str, text: &str) -> String {
    let line = |line: &str| {
        let escaped =
            line.replace('\\', r"\e").replace('-', r"\-").replace('\'', r"\(aq").replace('`', r"\(ga");
        // a line that begins with a dot would be a command
        if escaped.starts_with('.') { format!("\\&{escaped}\n") } else { format!("{escaped}\n") }
    };
    format!(".SH \"{heading}\"\n.nf\n{}.fi\n", text.lines().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::verbatim;

    #[test]
    fn lines_stand_as_they_are() {
        let page = verbatim("A B", ".TH 'x'\n  rheobase fit --bin 1ms \\\n\n");
        assert_eq!(page, ".SH \"A B\"\n.nf\n\\&.TH \\(aqx\\(aq\n  rheobase fit \\-\\-bin 1ms \\e\n\n.fi\n");
    }
}
