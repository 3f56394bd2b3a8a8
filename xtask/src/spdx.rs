//! Licence expressions (SPDX 2.3 annex D): `AND` binds tighter than `OR`, `WITH` tighter than both.
//! The `/` of old manifests means `OR`.

use std::iter::Peekable;
use std::str::SplitWhitespace;

/// Why an expression has no meaning.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It stops in the middle.
    #[error("it ends too early")]
    Ends,
    /// A word that cannot stand in its place.
    #[error("`{0}` stands in the wrong place")]
    Misplaced(String),
}

/// Whether a licensee can satisfy `expression` with licences from `allowed` alone.
///
/// An entry of `allowed` is one licence, or one licence with one exception. A licence "or later"
/// (`MIT+`) is satisfied by its entry without the plus.
pub fn satisfied(expression: &str, allowed: &[impl AsRef<str>]) -> Result<bool, Unreadable> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), allowed };
    let verdict = parser.either()?;
    match parser.words.next() {
        None => Ok(verdict),
        Some(word) => Err(Unreadable::Misplaced(word.to_owned())),
    }
}

struct Parser<'a, A> {
    words: Peekable<SplitWhitespace<'a>>,
    allowed: &'a [A],
}

impl<A: AsRef<str>> Parser<'_, A> {
    fn either(&mut self) -> Result<bool, Unreadable> {
        let mut verdict = self.both()?;
        while self.eat("OR") {
            verdict |= self.both()?;
        }
        Ok(verdict)
    }

    fn both(&mut self) -> Result<bool, Unreadable> {
        let mut verdict = self.term()?;
        while self.eat("AND") {
            verdict &= self.term()?;
        }
        Ok(verdict)
    }

    fn term(&mut self) -> Result<bool, Unreadable> {
        if !self.eat("(") {
            return self.licence();
        }
        let verdict = self.either()?;
        if self.eat(")") { Ok(verdict) } else { Err(self.unexpected()) }
    }

    fn licence(&mut self) -> Result<bool, Unreadable> {
        let licence = self.identifier()?;
        let licence = licence.strip_suffix('+').unwrap_or(&licence);
        if self.eat("WITH") {
            let exception = self.identifier()?;
            return Ok(self.allows(&format!("{licence} WITH {exception}")));
        }
        Ok(self.allows(licence))
    }

    fn identifier(&mut self) -> Result<String, Unreadable> {
        match self.words.peek() {
            None | Some(&("OR" | "AND" | "WITH" | "(" | ")")) => Err(self.unexpected()),
            Some(_) => self.words.next().map(str::to_owned).ok_or(Unreadable::Ends),
        }
    }

    fn eat(&mut self, word: &str) -> bool {
        self.words.next_if(|next| *next == word).is_some()
    }

    fn allows(&self, licence: &str) -> bool {
        self.allowed.iter().any(|entry| entry.as_ref().eq_ignore_ascii_case(licence))
    }

    fn unexpected(&mut self) -> Unreadable {
        self.words.next().map_or(Unreadable::Ends, |word| Unreadable::Misplaced(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[&str] = &["MIT", "Apache-2.0", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"];

    #[test]
    fn expressions_are_weighed_by_their_operators() {
        for (expression, expected) in [
            ("MIT", true),
            ("mit", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND BSD-3-Clause", true),
            ("GPL-2.0-only/MIT", true),
            ("GPL-2.0-only / LGPL-2.1-only", false),
            ("MIT+", true),
            ("GPL-2.0+", false),
            // AND binds tighter than OR; read from left to right these would turn out the other way.
            ("MIT OR GPL-2.0-only AND GPL-3.0-only", true),
            ("(MIT OR GPL-2.0-only) AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND (BSD-3-Clause OR GPL-2.0-only)", true),
            ("((MIT))", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("GPL-2.0-only WITH Classpath-exception-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT", true),
        ] {
            assert_eq!(satisfied(expression, ALLOWED), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        let misplaced = |word: &str| Unreadable::Misplaced(word.to_owned());
        for (expression, expected) in [
            ("", Unreadable::Ends),
            ("MIT OR", Unreadable::Ends),
            ("MIT AND (BSD-3-Clause", Unreadable::Ends),
            ("Apache-2.0 WITH", Unreadable::Ends),
            ("OR MIT", misplaced("OR")),
            ("MIT MIT", misplaced("MIT")),
            ("MIT)", misplaced(")")),
            ("()", misplaced(")")),
            ("(MIT Apache-2.0)", misplaced("Apache-2.0")),
            ("(MIT) WITH LLVM-exception", misplaced("WITH")),
            ("MIT or Apache-2.0", misplaced("or")),
        ] {
            assert_eq!(satisfied(expression, ALLOWED), Err(expected), "{expression}");
        }
    }
}
