//! How a task can fail, and the exit code it then leaves behind.

use std::path::PathBuf;
use std::process::ExitCode;

/// Why a task did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No such task.
    #[error("{0}")]
    Usage(&'static str),
    /// A command ran and failed; its exit code becomes ours.
    #[error("failed; run again with: {command}")]
    Command { command: String, code: u8 },
    /// A command could not be started.
    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: std::io::Error },
    /// `cargo metadata` printed something else than expected.
    #[error("cannot read what `cargo metadata` printed: {0}")]
    Metadata(#[from] serde_json::Error),
    /// A file or folder of the checkout could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file of the checkout does not say what a task has to know.
    #[error("cannot read {}: {source}", path.display())]
    Policy { path: PathBuf, source: toml::de::Error },
    /// A folder of the checkout could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// A check found something; each finding names its remedy.
    #[error("{}", .0.join("\n"))]
    Findings(Vec<String>),
}

impl Failure {
    /// What the process exits with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Command { code, .. } => ExitCode::from(*code),
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Success when a check found nothing.
    pub fn unless_empty(findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self::Findings(findings)) }
    }
}
