//! Where a running gateway is found: the line that `serve` prints, and the file that tells other commands.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{admin::run_token, secrets::Secret};

/// Where a running gateway is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where VASPs submit.
    pub mm7: String,
    /// Where carriers post; `{carrier}` stands for a carrier's id.
    pub carriers: String,
    /// Where operators look.
    pub admin: String,
}

impl Ready {
    /// The line that `posthouse serve` prints first (contract section 2), without its line end.
    pub fn line(&self) -> String {
        self.write(None)
    }

    /// The same with the process that it is about, for the run file.
    fn line_with_pid(&self) -> String {
        self.write(Some(std::process::id()))
    }

    fn write(&self, pid: Option<u32>) -> String {
        let line =
            ReadyLine { event: "ready", mm7: &self.mm7, carriers: &self.carriers, admin: &self.admin, pid };
        // Strings and a number always can be written.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct ReadyLine<'a> {
    event: &'static str,
    mm7: &'a str,
    carriers: &'a str,
    admin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

/// The file beside the store that tells other commands where the gateway is.
pub fn run_file(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".gateway.json");
    name.into()
}

pub(super) fn write_run_file(path: &Path, ready: &Ready) {
    // The gateway works without it; only `apply` cannot tell then that its change was taken.
    if let Err(error) = std::fs::write(path, format!("{}\n", ready.line_with_pid())) {
        tracing::warn!(%error, path = %path.display(), "cannot tell other commands where this gateway is");
    }
}

pub(super) fn write_token_file(path: &Path, token: Option<&Secret>) {
    let Some(token) = token else {
        // One that an earlier run left would be shown to us as a guess.
        let _ = std::fs::remove_file(path);
        return;
    };
    // The gateway works without it; commands then go to the store itself.
    if let Err(error) = run_token::write(path, token.expose()) {
        tracing::warn!(%error, path = %path.display(), "cannot let other commands use the admin API");
    }
}
