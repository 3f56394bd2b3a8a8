//! The demo for people.

use std::{io, time::Duration};

use posthouse_core::counted::counted;

use super::{
    Invitation, Played,
    stage::{SEND_ARGUMENTS, Stage},
};
use crate::print;

/// What there is.
pub(super) fn introduce(stage: &Stage) -> io::Result<()> {
    let mut out = print::stdout();
    writeln!(out, "Posthouse demo: one gateway, two carriers, one VASP, on this machine.")?;
    writeln!(out, "  gateway  {}", stage.gateway().mm7)?;
    for (id, url) in stage.carriers() {
        writeln!(out, "  carrier  {url}  ({id})")?;
    }
    writeln!(out, "  VASP     {}", stage.vasp_url())?;
    writeln!(out)?;
    writeln!(out, "Each message is a JPEG, a text and a SMIL. Its life is printed when it ends.")?;
    writeln!(out)
}

/// A life that has ended.
pub(super) fn life(played: &Played) -> io::Result<()> {
    let Played { number, life, ending } = played;
    let mut out = print::stdout();
    let verdict = if ending.failures.is_empty() { "ok" } else { "FAILED" };
    writeln!(out, "{number:>2}  {}  [{verdict}]", life.title)?;
    for line in &ending.lines {
        let said = format!("{:>6.3} s  {:<15} {}", line.after.as_secs_f64(), line.what, line.detail);
        writeln!(out, "      {}", said.trim_end())?;
    }
    for failure in &ending.failures {
        writeln!(out, "      !! {failure}")?;
    }
    writeln!(out)
}

/// What came of all of them.
pub(super) fn conclude(stage: &Stage, failures: &[String], took: Duration) -> io::Result<()> {
    let mut out = print::stdout();
    let seconds = took.as_secs_f64();
    let (submits, reports) = (stage.submits_at_carriers(), stage.reports_at_vasp());
    writeln!(
        out,
        "{submits} SubmitReq reached the carriers, {} reached the VASP, in {seconds:.1} s.",
        counted(reports, "report")
    )?;
    if failures.is_empty() {
        return writeln!(out, "Every message ended as it should, and every report reached the VASP.");
    }
    writeln!(out, "{} went wrong:", failures.len())?;
    failures.iter().try_for_each(|failure| writeln!(out, "  {failure}"))
}

/// How to look round.
pub(super) fn invite(stage: &Stage, tokens: &Invitation) -> io::Result<()> {
    let mut out = print::stdout();
    let ready = stage.gateway();
    writeln!(out)?;
    writeln!(out, "Everything stays up till Ctrl-C. To look round, open")?;
    writeln!(out, "  {}", ready.admin)?;
    writeln!(out, "and sign in, as an operator with the token")?;
    writeln!(out, "  {}", tokens.operator)?;
    writeln!(out, "or as the VASP acme, which sees its own alone, with")?;
    writeln!(out, "  {}", tokens.vasp)?;
    writeln!(out, "From a terminal:")?;
    writeln!(out, "  posthouse send --url {} {} --to 16175559004 --text Hello", ready.mm7, SEND_ARGUMENTS)?;
    writeln!(out, "  posthouse messages list --url {} --token {}", ready.admin, tokens.operator)?;
    writeln!(out, "  curl {}/metrics", ready.admin)?;
    for (_, url) in stage.carriers() {
        writeln!(out, "  curl {}/sim/messages", url.trim_end_matches("/mm7"))?;
    }
    Ok(())
}
