//! The settings as flags, from the table in [`crate::config::settings`].

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::config::Flags;
use crate::config::settings::{SETTINGS, Setting, Shape};

/// Every setting that has a flag. Whether a value is good is decided where the configuration is
/// loaded, together with those from everywhere else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What was given, by variable.
    pub(crate) flags: Flags,
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        let flags = SETTINGS.iter().filter_map(|setting| argument(setting));
        command.args(flags).after_help(secrets())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in SETTINGS.iter().filter(|setting| setting.flag.is_some()) {
            if let Some(values) = matches.get_many::<String>(setting.variable) {
                self.flags.insert(setting.variable, values.cloned().collect());
            }
        }
        Ok(())
    }
}

fn argument(setting: &Setting) -> Option<Arg> {
    let mut help = format!("{} [env: {}]", setting.about, setting.variable);
    if let Some(default) = setting.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    let argument = Arg::new(setting.variable)
        .long(setting.flag?)
        .help(help)
        .help_heading(setting.group.heading());
    Some(match setting.shape {
        Shape::List => argument.value_name("A,B").action(ArgAction::Append),
        Shape::Switch => argument
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Shape::Text | Shape::Secret => argument.value_name(value_name(setting)),
    })
}

/// `--auth0-client-id <CLIENT_ID>`: the flag's last two words say enough.
fn value_name(setting: &Setting) -> String {
    let name = setting.flag.unwrap_or_default();
    let short = name.strip_prefix("auth0-").or(name.strip_prefix("bitbucket-")).unwrap_or(name);
    short.replace('-', "_").to_uppercase()
}

fn secrets() -> String {
    let mut text = String::from(
        "Secrets have no flag. Set a variable, or the same with `_FILE` to the path of a file \
         that holds it:",
    );
    for setting in SETTINGS.iter().filter(|setting| setting.secret()) {
        text.push_str(&format!("\n  {}: {}", setting.variable, setting.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(arguments: &[&str]) -> Flags {
        let command = Settings::augment_args(Command::new("test").no_binary_name(true));
        Settings::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap().flags
    }

    #[test]
    fn keeps_what_was_given_by_the_settings_variable() {
        let given = flags(&["--read-only", "--toolsets", "refs", "--toolsets=source,commits"]);
        let expected = Flags::from([
            ("BITBUCKET_MCP_READ_ONLY", vec!["true".to_owned()]),
            ("BITBUCKET_MCP_TOOLSETS", vec!["refs".to_owned(), "source,commits".to_owned()]),
        ]);
        assert_eq!(given, expected);
        assert_eq!(flags(&["--read-only=false"])["BITBUCKET_MCP_READ_ONLY"], ["false"]);
    }

    #[test]
    fn gives_no_secret_a_flag() {
        for setting in SETTINGS.iter().filter(|setting| setting.secret()) {
            assert_eq!(setting.flag, None, "{}", setting.variable);
        }
    }
}
