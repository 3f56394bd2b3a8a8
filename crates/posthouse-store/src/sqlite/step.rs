//! A message's next state: what the state machine says, written down with the event and what is owed for it.

use jiff::Timestamp;
use mm7::MmStatus;
use posthouse_core::{
    Id, bounds,
    life::state::{LifeEvent, State, Transition},
    message::{EventKind, Reason},
};
use rusqlite::{Params, Row};

use super::{fault::Result, job::Tx, record::Record};

/// What has to be known of a message for its next step.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) id: Id,
    pub(super) state: State,
    pub(super) account: String,
    pub(super) carrier: String,
    pub(super) recipient: String,
    pub(super) delivery_report: bool,
    pub(super) carrier_message_id: Option<String>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stepped {
    /// Whether it was more than a line on the timeline.
    pub(super) changed: bool,
    /// The report that is owed for it.
    pub(super) owed: Option<MmStatus>,
}

impl Subject {
    /// The message with this id, if it is known.
    pub(super) fn load(tx: &Tx<'_>, id: Id) -> Result<Option<Self>> {
        let by_id = "SELECT id, state, account, carrier, recipient, delivery_report, carrier_message_id
                     FROM message WHERE id = ?";
        Self::find(tx, by_id, [id.number()])
    }

    /// The first message that a query of these columns finds, if it finds one.
    pub(super) fn find(tx: &Tx<'_>, query: &str, values: impl Params) -> Result<Option<Self>> {
        let mut statement = tx.prepare(query)?;
        let mut rows = statement.query(values)?;
        rows.next()?.map(Self::read).transpose()
    }

    /// The message of a row with these columns.
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let record = Record::by_id("message", row)?;
        Ok(Self {
            id: record.id("id")?,
            state: record.state("state")?,
            account: record.value("account")?,
            carrier: record.value("carrier")?,
            recipient: record.value("recipient")?,
            delivery_report: record.value("delivery_report")?,
            carrier_message_id: record.value("carrier_message_id")?,
        })
    }

    /// Takes the step that this event means, and keeps the carrier's MessageID that came with it, unless one is known. The
    /// caller, who knows what was said, adds the line to the timeline, and then what is owed (`callback::owe`).
    pub(super) fn step(
        &mut self,
        tx: &Tx<'_>,
        event: LifeEvent,
        reason: Option<Reason>,
        carrier_message_id: &str,
        at: Timestamp,
    ) -> Result<Stepped> {
        let learns = !carrier_message_id.is_empty() && self.carrier_message_id.is_none();
        if learns {
            self.carrier_message_id = Some(carrier_message_id.to_owned());
        }
        let Transition::To { state, owed } = self.state.after(event) else {
            if learns {
                self.keep_carrier_message_id(tx)?;
            }
            return Ok(Stepped { changed: false, owed: None });
        };
        self.state = state;
        let (state, at, id) = (state.number(), at.as_millisecond(), self.id.number());
        let reason = reason.map(|reason| reason.0.code());
        if learns {
            // One statement for both: each would write the row, and its entries in the indices.
            tx.execute(
                "UPDATE message SET state = ?, changed_at = ?, reason = ?, carrier_message_id = ? WHERE id = ?",
                (state, at, reason, carrier_message_id, id),
            )?;
        } else {
            tx.execute(
                "UPDATE message SET state = ?, changed_at = ?, reason = ? WHERE id = ?",
                (state, at, reason, id),
            )?;
        }
        Ok(Stepped { changed: true, owed: owed.filter(|_| self.delivery_report) })
    }

    fn keep_carrier_message_id(&self, tx: &Tx<'_>) -> Result<()> {
        tx.execute(
            "UPDATE message SET carrier_message_id = ? WHERE id = ?",
            (&self.carrier_message_id, self.id.number()),
        )?;
        Ok(())
    }
}

/// Adds a line to a message's timeline.
pub(super) fn note(tx: &Tx<'_>, id: Id, kind: EventKind, at: Timestamp, detail: &str) -> Result<()> {
    // Not INSERT … SELECT: one that reads the table it writes goes by way of a temporary table, which costs more than all the rest.
    // Nor INSERT OR REPLACE: for what it may delete it keeps a copy of each page that it touches.
    let line =
        (id.number(), at.as_millisecond(), kind.number(), bounds::cut(detail, bounds::LINE), bounds::LINES);
    let added = tx.execute(
        "INSERT OR IGNORE INTO event (message, number, at, kind, detail)
         VALUES (?1, min((SELECT coalesce(max(number), 0) + 1 FROM event WHERE message = ?1), ?5), ?2, ?3, ?4)",
        line,
    )?;
    if added == 0 {
        // A timeline that is full keeps its beginning, and the newest line in place of the last.
        tx.execute(
            "UPDATE event SET at = ?2, kind = ?3, detail = ?4 WHERE message = ?1 AND number = ?5",
            line,
        )?;
    }
    Ok(())
}

/// What happened and what was said about it, as one line: the parts that are not empty.
pub(super) fn words(parts: &[&str]) -> String {
    let mut line = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(part);
    }
    line
}
