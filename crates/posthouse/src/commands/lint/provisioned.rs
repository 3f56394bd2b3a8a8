//! `posthouse lint --account`: a gateway judges the request, by what is provisioned.

use std::process::ExitCode;

use posthouse_api::{LintFinding, LintView, MAX_LINT_BYTES};

use super::{Args, name_of};
use crate::{
    complaints::{of_api, provisioned},
    print::{self, Printer},
    running,
    target::settings_of,
    wait::wait_for,
};

/// Has it judged, and says what came of it.
pub(super) fn run(args: &Args, account: &str, file: Vec<u8>) -> anyhow::Result<ExitCode> {
    let name = name_of(&args.file);
    anyhow::ensure!(
        file.len() <= MAX_LINT_BYTES,
        "{name} is longer than the {MAX_LINT_BYTES} bytes that a gateway judges; leave out --account"
    );
    let settings = settings_of(args.config.as_deref())?;
    let judged = wait_for(async {
        let api = running::required(&settings, &args.gateway).await?;
        Ok(api.lint(file, Some(account), None).await?)
    });
    let Some(judged) = provisioned(judged.map_err(of_api))? else {
        return Ok(ExitCode::from(2));
    };
    let mut out = print::stdout();
    match args.json {
        true => out.json(&judged)?,
        false => tell(&mut out, &name, account, &judged)?,
    }
    Ok(if judged.accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(out: &mut Printer, name: &str, account: &str, judged: &LintView) -> std::io::Result<()> {
    let LintView { code, text, dialect, .. } = judged;
    let codes = if *code == 1000 { String::new() } else { format!(" (posthouse codes {code})") };
    writeln!(out, "{name}: account {account}, in the dialect {dialect}, is answered {code} {text}{codes}")?;
    for finding in &judged.findings {
        let LintFinding { what, remedy, line, column, byte, code, .. } = finding;
        let place = match (line, column) {
            (Some(line), Some(column)) => format!("{name}:{line}:{column}"),
            _ => format!("{name}, byte {byte}"),
        };
        let code = code.map_or_else(|| "taken here".to_owned(), |code| code.to_string());
        writeln!(out, "{place}: {code}: {what}")?;
        if !remedy.is_empty() {
            writeln!(out, "    {remedy}")?;
        }
    }
    if !judged.not_judged.is_empty() {
        writeln!(out, "only sending it tells: {}", judged.not_judged.join(", "))?;
    }
    Ok(())
}
