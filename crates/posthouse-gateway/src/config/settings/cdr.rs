//! `[cdr]`: records of what ended, for billing.

use std::path::PathBuf;

use posthouse_core::{
    cdr::CdrNumbers,
    provisioning::reading::{Table, Unfit},
};

use super::{ConfigFile, quote};

/// `[cdr]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdrSection {
    /// The folder that the files go into; `None`: no records are kept.
    pub folder: Option<PathBuf>,
    /// How numbers are written in them.
    pub numbers: CdrNumbers,
}

const fn word(numbers: CdrNumbers) -> &'static str {
    match numbers {
        CdrNumbers::Whole => "whole",
        CdrNumbers::Masked => "masked",
    }
}

impl CdrSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let folder = table.parsed("folder", |path: String| match path.is_empty() {
            true => Err(Unfit::from(("is empty", "write a folder, or leave the key out"))),
            false => Ok(file.path(&path)),
        });
        let numbers = table.parsed("numbers", |text: String| {
            let known = [CdrNumbers::Whole, CdrNumbers::Masked].into_iter().find(|one| word(*one) == text);
            known.ok_or_else(|| Unfit::from(("is neither", "write \"whole\" or \"masked\"")))
        });
        Self { folder, numbers: numbers.unwrap_or_default() }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let folder = match &self.folder {
            Some(folder) => format!("folder = {}", quote(&folder.display().to_string())),
            None => "# folder = \"cdr\"".to_owned(),
        };
        format!(
            "[cdr]
# Where a record of each message that ended, and of each from a handset, goes: JSON Lines, a file an hour (docs/operations.md).
{folder}
# How phone numbers are written there: whole, or masked.
numbers = {}
",
            quote(word(self.numbers))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[cdr]\nfolder = \"\"",
                "posthouse.toml:2: cdr.folder: \"\" is empty; write a folder, or leave the key out",
            ),
            (
                "[cdr]\nnumbers = \"some\"",
                "posthouse.toml:2: cdr.numbers: \"some\" is neither; write \"whole\" or \"masked\"",
            ),
        ]);
    }
}
