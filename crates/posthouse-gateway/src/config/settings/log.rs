//! `[log]`: what is logged.

use posthouse_core::{
    mistake::Mistake,
    provisioning::reading::{Table, Unfit},
};

use super::quote;

/// The levels that there are, and what logs nothing.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// What is logged unless something else is said.
const DEFAULT: &str = "info";

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSection {
    /// A level, or levels of targets: `posthouse_gateway=debug,info`.
    pub level: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: DEFAULT.to_owned() }
    }
}

impl LogSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let level = |text: String| match check_levels(&text) {
            Ok(()) => Ok(text),
            Err(what) => Err(Unfit::Alone(what)),
        };
        Self { level: table.parsed("level", level).unwrap_or_else(|| DEFAULT.to_owned()) }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        format!(
            "[log]
# What is logged: off, error, warn, info, debug or trace; or levels of parts, such as \"posthouse_gateway=debug,info\".
# POSTHOUSE_LOG in the environment is stronger.
level = {}
",
            quote(&self.level)
        )
    }
}

/// Whether a text says what is logged: a level, `target=level`, or several of these with commas between.
///
/// # Errors
/// What is wrong, and what to write.
pub fn check_levels(text: &str) -> Result<(), Mistake> {
    for part in text.split(',').map(str::trim) {
        let (target, level) =
            part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) || target == Some("") {
            let levels = LEVELS.join(", ");
            let problem = format!("{part:?} is no level");
            return Err((problem, format!("write one of {levels}, or target=level")).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_refused() {
        for right in ["info", "WARN", "posthouse_gateway=debug,info", "a=off, b=trace"] {
            assert_eq!(check_levels(right), Ok(()), "{right}");
        }
        for (wrong, part) in [
            ("verbose", "verbose"),
            ("", ""),
            ("posthouse_gateway", "posthouse_gateway"),
            ("info,=debug", "=debug"),
            ("a=loud", "a=loud"),
        ] {
            let said = check_levels(wrong).unwrap_err();
            assert!(
                said.to_string().starts_with(&format!("{part:?} is no level; write one of off, error")),
                "{said}"
            );
        }
    }
}
