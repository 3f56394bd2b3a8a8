//! Questions to the user at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _};

use crate::print;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1024;

/// Whether somebody sits there who can be asked.
pub fn is_attended() -> bool {
    io::stdin().is_terminal() && print::stderr().is_terminal()
}

/// Asks; only `y` and `yes` are one. Where nobody can be asked, it is as if somebody had said so.
///
/// # Errors
/// The terminal cannot be read.
pub fn confirm(question: &str) -> io::Result<bool> {
    if !is_attended() {
        return Ok(true);
    }
    write!(print::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, yes) in
            [("y\n", true), ("YES\n", true), ("", false), ("\n", false), ("yo\n", false), ("n\n", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }
}
