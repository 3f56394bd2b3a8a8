//! A call of cargo that can be run, and printed so that it can be typed again.

use std::fmt;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A call of cargo from the root of the checkout.
pub struct Invocation {
    /// Variables set for this call only.
    pub env: &'static [(&'static str, &'static str)],
    /// What stands after `cargo`.
    pub args: &'static [&'static str],
}

impl Invocation {
    /// A call with no variables of its own.
    pub const fn cargo(args: &'static [&'static str]) -> Self {
        Self { env: &[], args }
    }

    /// Runs it with its output on the terminal.
    pub fn run(&self) -> Result<(), Failure> {
        let status = self.command().status().map_err(|source| self.not_started(source))?;
        if status.success() { Ok(()) } else { Err(self.failed(status.code())) }
    }

    /// Runs it for what it prints on stdout.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        let output =
            self.command().stderr(Stdio::inherit()).output().map_err(|source| self.not_started(source))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failed(output.status.code())) }
    }

    fn command(&self) -> Command {
        // The cargo that runs this task, so that `cargo +toolchain xtask` keeps its toolchain.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(self.args).envs(self.env.iter().copied()).current_dir(crate::root());
        command
    }

    fn not_started(&self, source: std::io::Error) -> Failure {
        Failure::Start { command: self.to_string(), source }
    }

    fn failed(&self, code: Option<i32>) -> Failure {
        let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Failure::Command { command: self.to_string(), code }
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.env {
            write!(f, "{name}='{value}' ")?;
        }
        write!(f, "cargo {}", self.args.join(" "))
    }
}

/// Whether a program is installed: it answers to `arguments` with exit code 0.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_it_would_be_typed() {
        let doc = Invocation { env: &[("RUSTDOCFLAGS", "-D warnings")], args: &["doc", "--no-deps"] };
        assert_eq!(doc.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_missing_program_does_not_answer() {
        assert!(!answers("posthouse-no-such-program", &["--version"]));
    }
}
