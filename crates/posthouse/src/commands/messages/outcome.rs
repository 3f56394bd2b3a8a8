//! What an intervention came to, for people and as JSON.

use std::{collections::BTreeMap, io, time::Duration};

use posthouse_core::{counted::counted, life::intervention::LeftAlone};
use posthouse_gateway::{admin::messages::intervene::REASONS, config::Settings};
use serde_json::{Map, Value, json};

use crate::{
    print::{self, Printer},
    running::{Reached, reach, reach_at},
    via::ViaArgs,
};

/// How long a gateway may take to say that it runs.
const ASK: Duration = Duration::from_secs(2);
/// How many of those it was done to are shown one by one.
const SHOWN: usize = 20;

/// What a command does, in the forms that it is told in.
pub(super) struct VerbWords {
    /// `requeue`
    pub(super) infinitive: &'static str,
    /// `requeued`
    pub(super) past: &'static str,
    /// `would_requeue`
    pub(super) would: &'static str,
    /// `message`
    pub(super) what: &'static str,
}

/// What an intervention came to.
#[derive(Default)]
pub(super) struct Tally {
    dry_run: bool,
    /// To how many it was done.
    pub(super) done: usize,
    /// How many of them may have arrived before.
    pub(super) parked: usize,
    /// The first of them, as text and as JSON.
    first: Vec<(String, Value)>,
    /// How many were left alone, by the word for the reason.
    left_alone: BTreeMap<String, usize>,
    /// Reports that are not owed any more.
    pub(super) superseded: usize,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    /// Prints it, and whether a gateway was reached.
    pub(super) async fn tell(
        &self,
        words: &VerbWords,
        settings: &Settings,
        args: &ViaArgs,
    ) -> anyhow::Result<()> {
        let reached = match &args.gateway.url {
            Some(url) => reach_at(url.clone(), settings.admin.tls.as_ref(), 0, ASK).await,
            None => Some(reach(settings, 0, ASK).await?),
        };
        let mut out = print::stdout();
        if args.json {
            out.json(&self.as_json(words, reached.as_ref()))?;
        } else {
            self.print(&mut out, words, reached.as_ref())?;
        }
        Ok(())
    }

    /// It was, or would be, done to this.
    pub(super) fn did(&mut self, shown: impl FnOnce() -> (String, Value)) {
        self.done += 1;
        if self.first.len() < SHOWN {
            self.first.push(shown());
        }
    }

    /// Counts messages that were left alone for this reason.
    pub(super) fn left_alone(&mut self, reason: String, count: usize) {
        *self.left_alone.entry(reason).or_default() += count;
    }

    /// How many were left alone.
    pub(super) fn passed_by(&self) -> usize {
        self.superseded + self.left_alone.values().sum::<usize>()
    }

    fn print(&self, out: &mut Printer, words: &VerbWords, reached: Option<&Reached>) -> io::Result<()> {
        if self.done + self.passed_by() == 0 {
            return writeln!(out, "nothing matches");
        }
        for (line, _) in &self.first {
            writeln!(out, "{line}")?;
        }
        if self.done > self.first.len() {
            writeln!(out, "… and {} more", self.done - self.first.len())?;
        }
        let counted = counted(self.done, words.what);
        if self.dry_run {
            writeln!(out, "would {} {counted}; nothing was changed", words.infinitive)?;
        } else {
            writeln!(out, "{} {counted}", words.past)?;
        }
        self.print_left_alone(out)?;
        match reached {
            Some(reached) if self.done > 0 && !self.dry_run => print_reached(out, reached),
            _ => Ok(()),
        }
    }

    fn print_left_alone(&self, out: &mut Printer) -> io::Result<()> {
        if self.parked > 0 {
            writeln!(out, "{} may have arrived before: the recipient may get it twice", self.parked)?;
        }
        for reason in REASONS {
            let remedy = if reason == LeftAlone::Parked { "; --parked sends again" } else { "" };
            if let Some(count) = self.left_alone.get(reason.as_str()) {
                writeln!(out, "left alone: {count} {reason}{remedy}")?;
            }
        }
        // Of a gateway of a later version.
        for (word, count) in &self.left_alone {
            if !REASONS.iter().any(|reason| reason.as_str() == word) {
                writeln!(out, "left alone: {count} {word}")?;
            }
        }
        if self.superseded > 0 {
            writeln!(out, "left alone: {} not owed any more, for the message has ended", self.superseded)?;
        }
        Ok(())
    }

    fn as_json(&self, words: &VerbWords, reached: Option<&Reached>) -> Value {
        let counted = self.left_alone.iter().map(|(reason, count)| (reason.clone(), json!(count)));
        let mut left_alone: Map<_, _> = counted.collect();
        if self.superseded > 0 {
            left_alone.insert("superseded".to_owned(), json!(self.superseded));
        }
        let first: Vec<_> = self.first.iter().map(|(_, one)| one).collect();
        let mut told = json!({
            "dry_run": self.dry_run, "left_alone": left_alone, "first": first,
            "gateway_running": matches!(reached, Some(Reached::Taken { .. } | Reached::Late { .. })),
        });
        told[words.past] = json!(if self.dry_run { 0 } else { self.done });
        if self.dry_run {
            told[words.would] = json!(self.done);
        }
        if self.parked > 0 {
            told["parked"] = json!(self.parked);
        }
        told
    }
}

fn print_reached(out: &mut Printer, reached: &Reached) -> io::Result<()> {
    match reached {
        Reached::Taken { admin } | Reached::Late { admin, .. } => {
            writeln!(out, "the gateway at {admin} goes on with it within a second")
        }
        Reached::NotRunning | Reached::Gone { .. } => {
            writeln!(out, "no gateway is running on this store; its next start goes on with it")
        }
    }
}
