//! Where commands print: the only way to stdout and stderr, so that what strangers wrote is shown and never obeyed.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
};

use posthouse_core::shown::{Shown, in_json};
use serde::Serialize;

/// Prints lines. `write!` and `writeln!` go through [`Printer::write_fmt`], which escapes all that a terminal would obey; a line
/// ends where `writeln!` ends it, and nowhere else.
pub struct Printer {
    to: Box<dyn Write + Send>,
    is_terminal: bool,
}

/// What a command is for.
#[expect(clippy::disallowed_methods, reason = "this is the one place that prints")]
pub fn stdout() -> Printer {
    let to = io::stdout();
    Printer { is_terminal: to.is_terminal(), to: Box::new(to) }
}

/// Prints what came of something: as JSON where that is asked for, and else this line.
pub fn outcome(as_json: bool, outcome: &impl Serialize, line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = stdout();
    match as_json {
        true => out.json(outcome),
        false => writeln!(out, "{line}"),
    }
}

/// What is told beside it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that prints")]
pub fn stderr() -> Printer {
    let to = io::stderr();
    Printer { is_terminal: to.is_terminal(), to: Box::new(to) }
}

impl Printer {
    /// Whether people look at it as it is printed.
    pub const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints one line, or a piece of it.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        let text = text.to_string();
        match text.strip_suffix('\n') {
            Some(line) => self.print(&format!("{}\n", Shown(line))),
            None => self.print(&Shown(&text).to_string()),
        }
    }

    /// Prints lines that are laid out already: line ends are its own.
    pub fn text(&mut self, lines: &str) -> io::Result<()> {
        let shown: String = lines.split_inclusive('\n').map(shown).collect();
        self.print(&shown)
    }

    /// Prints one line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(value)?;
        self.print(&format!("{}\n", in_json(&json)))
    }

    /// Prints bytes as they are; on a terminal, as text that shows what they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.is_terminal {
            true => self.text(&String::from_utf8_lossy(bytes).replace("\r\n", "\n")),
            false => self.to.write_all(bytes).and_then(|()| self.to.flush()),
        }
    }

    /// Writes over the last line of a terminal.
    pub fn over(&mut self, text: &str) -> io::Result<()> {
        self.print(&format!("\r\x1b[K{}", Shown(text)))
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())?;
        self.to.flush()
    }
}

fn shown(line: &str) -> String {
    match line.strip_suffix('\n') {
        Some(text) => format!("{}\n", Shown(text)),
        None => Shown(line).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(is_terminal: bool, print: impl FnOnce(&mut Printer) -> io::Result<()>) -> String {
        let paper = Paper::default();
        print(&mut Printer { to: Box::new(paper.clone()), is_terminal }).unwrap();
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    const FOREIGN: &str = "a\u{9b}2J\n\u{1b}]0;b\u{202e}\n";

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        assert_eq!(
            printed(true, |out| writeln!(out, "id {FOREIGN}")),
            "id a\\u{9b}2J\\n\\u{1b}]0;b\\u{202e}\\n\n"
        );
        assert_eq!(printed(false, |out| write!(out, "a\tb")), "a\\tb");
        assert_eq!(printed(false, |out| writeln!(out)), "\n");
    }

    #[test]
    fn a_text_keeps_its_lines_and_nothing_else() {
        assert_eq!(printed(true, |out| out.text(FOREIGN)), "a\\u{9b}2J\n\\u{1b}]0;b\\u{202e}\n");
    }

    #[test]
    fn json_is_json_in_one_line() {
        let line = printed(false, |out| out.json(&json!({ "id": FOREIGN })));
        assert_eq!(line, "{\"id\":\"a\\u009b2J\\n\\u001b]0;b\\u202e\\n\"}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["id"], FOREIGN);
    }

    #[test]
    fn bytes_are_exact_where_no_terminal_would_obey_them() {
        assert_eq!(printed(false, |out| out.bytes(b"\x1b[2J\r\n")), "\x1b[2J\r\n");
        assert_eq!(printed(true, |out| out.bytes(b"\x1b[2J\r\n\xff")), "\\u{1b}[2J\n\u{fffd}");
    }
}
