//! What the rules of a message's life have to know ([`posthouse_core::life`]), read within the transaction that writes what follows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    account::AccountName,
    address::Msisdn,
    bounds::LATE_REPORTS,
    carrier::CarrierId,
    life::{
        callback::OwedCallback,
        load::{
            LOOKED_AT, LoadMore, Loaded, Needs, Neighbour, Numbered, Subject, Waiting, Work, WorkKind,
            may_be_about,
        },
        read_reply::{CarrierReadReply, ReadStatus},
    },
    message::{CarrierReport, EventKind, Reason},
    store::StoreError,
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::{BatchFault, BatchResult},
    record::{PgRow, corrupt},
    statements,
    value::values,
};

/// By how much the clocks of two nodes differ at most, as a rule.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(1);

/// In which table a message has its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifeStage {
    /// `work`
    Work,
    /// `awaiting`
    Awaiting,
    /// `ended`
    Ended,
}

/// A message with all of its row.
#[derive(Clone, Debug)]
pub(super) struct LifeRow {
    /// What the rules ask for. Whether anything is owed is loaded apart.
    pub(super) subject: Subject,
    /// Where its row is.
    pub(super) stage: LifeStage,
    /// Its SenderAddress; empty for one that has ended.
    pub(super) sender: String,
    /// How many attempts were begun.
    pub(super) attempts: u32,
    /// Since when it is in its state.
    pub(super) changed_at: Timestamp,
    /// When the attempt under way was begun, and over which connection.
    pub(super) begun: Option<(Timestamp, String)>,
    /// Which version of its row this is, where that is not locked.
    pub(super) version: Option<i64>,
    /// While it is leased: when the lease ends, whatever the attempt's end is.
    pub(super) lease_until: Option<Timestamp>,
    /// Why it was refused.
    pub(super) reason: Option<Reason>,
    /// What the carrier said about that.
    pub(super) details: Option<String>,
    /// Whether any report waits at all.
    pub(super) anything_waits: bool,
}

/// The messages of an operation, by their ids.
pub(super) type LifeRows = BTreeMap<Id, LifeRow>;

/// The message with this id, if it is known: locked, and claimed, and with what is owed about it.
pub(super) async fn subject(tx: &BatchTx, id: Id) -> BatchResult<Option<(LifeRow, Vec<OwedCallback>)>> {
    tx.claim(BatchClaim::Message(id))?;
    let (row, owed) = tokio::join!(biased; tx.read_one(&statements::SUBJECT, values![id]), owed(tx, id));
    let Some(mut row) = row?.map(|row| read_life(&row)).transpose()?.flatten() else { return Ok(None) };
    let owed = owed?;
    row.subject.owes = !owed.is_empty();
    Ok(Some((row, owed)))
}

/// The same for a step that nobody takes beside this one, as a rule: it is not locked while it waits. Who changes it, or writes anything
/// about it, all the same is found out as it is written. One that has ended is locked.
pub(super) async fn subject_seen(tx: &BatchTx, id: Id) -> BatchResult<Option<(LifeRow, Vec<OwedCallback>)>> {
    tx.claim(BatchClaim::Message(id))?;
    let (row, owed) = tokio::join!(biased; seen(tx, id), owed(tx, id));
    let Some(mut row) = row? else { return Ok(None) };
    if row.stage == LifeStage::Ended {
        return subject(tx, id).await;
    }
    let owed = owed?;
    row.subject.owes = !owed.is_empty();
    Ok(Some((row, owed)))
}

/// The same for an attempt that begins: whether anything is owed is not looked up.
pub(super) async fn subject_to_begin(tx: &BatchTx, id: Id) -> BatchResult<Option<LifeRow>> {
    tx.claim(BatchClaim::Message(id))?;
    seen(tx, id).await
}

/// A message as it is, with the version of its row.
async fn seen(tx: &BatchTx, id: Id) -> BatchResult<Option<LifeRow>> {
    let Some(row) = tx.read_one(&statements::SUBJECT_SEEN, values![id]).await? else { return Ok(None) };
    let life = read_life(&row)?;
    let version = PgRow::by_id("work", &row)?.value("version")?;
    Ok(life.map(|life| LifeRow { version, ..life }))
}

/// The id of the newest message of the carrier with this MessageID: carriers that begin anew use old ones again. `at`: when it was spoken
/// of. Days that come after that are looked into where nothing is found before, for a clock that was wrong.
pub(super) async fn by_carriers_id(
    tx: &BatchTx,
    carrier: &CarrierId,
    carrier_message_id: &str,
    at: Timestamp,
) -> BatchResult<Option<Id>> {
    let soon = at.checked_add(CLOCKS_APART).map_or(i64::MAX, |soon| Id::first_at(soon).number());
    for below in [soon, i64::MAX] {
        let values = values![carrier_message_id, carrier, below];
        let row = tx.read_one(&statements::BY_CARRIERS_ID, values).await?;
        let number: Option<i64> = row.map_or(Ok(None), |row| row.try_get("id"))?;
        if number.is_some() {
            return Ok(number.and_then(Id::from_number));
        }
    }
    Ok(None)
}

/// A message from its row; `None` where there is none.
pub(super) fn read_life(row: &Row) -> BatchResult<Option<LifeRow>> {
    let record = PgRow::by_id("message", row)?;
    let stage = if record.value("in_work")? {
        LifeStage::Work
    } else if record.value("in_awaiting")? {
        LifeStage::Awaiting
    } else if record.value("in_ended")? {
        LifeStage::Ended
    } else if record.value("is_known")? {
        // It was moved from one table to another while this waited for its lock: its new row is seen by the next batch.
        return Err(BatchFault::Deferred);
    } else {
        return Ok(None);
    };
    if stage == LifeStage::Ended && !record.value::<bool>("is_known")? {
        return Ok(None);
    }
    let id = record.id("id")?;
    let attempt_until = record.time_if_any("attempt_until")?;
    let subject = Subject {
        id,
        state: record.state("state")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        recipient: record.value("recipient")?,
        delivery_report: record.value("delivery_report")?,
        carrier_message_id: record.value("carrier_message_id")?,
        report_until: record.time_if_any("report_until")?,
        work: if stage == LifeStage::Ended { None } else { Some(read_work(&record, stage, attempt_until)?) },
        owes: false,
    };
    let begun_at = record.time_if_any("begun_at")?;
    Ok(Some(LifeRow {
        stage,
        sender: record.value("sender")?,
        attempts: record.count("attempts")?,
        changed_at: record.time("changed_at")?,
        begun: begun_at.zip(record.value::<Option<String>>("connection")?),
        version: None,
        lease_until: if stage == LifeStage::Work { Some(record.time("due")?) } else { None },
        reason: record.reason("reason")?,
        details: record.value("details")?,
        anything_waits: record.value("anything_waits")?,
        subject,
    }))
}

fn read_work(record: &PgRow<'_>, stage: LifeStage, attempt_until: Option<Timestamp>) -> BatchResult<Work> {
    let is_sending = stage == LifeStage::Work && record.value("sending")?;
    let kind = match stage {
        LifeStage::Work if is_sending => WorkKind::Sending,
        LifeStage::Work => WorkKind::Send,
        _ => WorkKind::Report,
    };
    let due = record.time("due")?;
    Ok(Work {
        kind,
        due: if is_sending { attempt_until.unwrap_or(due) } else { due },
        owner: record.owner("owner")?,
        since: record.time("since")?,
        unreached: record.value("unreached")?,
        expiry: record.time("expiry")?,
    })
}

/// What is owed about a message, locked.
async fn owed(tx: &BatchTx, message: Id) -> BatchResult<Vec<OwedCallback>> {
    let rows = tx.read(&statements::OWED, values![message]).await?;
    rows.iter()
        .map(|row| {
            let record = PgRow::by_id("callback", row)?;
            Ok(OwedCallback {
                id: record.id("id")?,
                says: record.says()?,
                due: record.time_if_any("due")?,
                owner: record.owner("owner")?,
            })
        })
        .collect()
}

/// What was loaded of a message before the rules ask for it.
struct AtHand {
    owed: Vec<OwedCallback>,
    late: Vec<String>,
    told: Vec<ReadStatus>,
}

impl LoadMore for AtHand {
    type Error = StoreError;

    fn owed(&self, _: Id) -> BatchResult<Vec<OwedCallback>, StoreError> {
        Ok(self.owed.clone())
    }

    fn late(&self, _: Id) -> BatchResult<Vec<String>, StoreError> {
        Ok(self.late.clone())
    }

    fn told(&self, _: Id) -> BatchResult<Vec<ReadStatus>, StoreError> {
        Ok(self.told.clone())
    }
}

/// A message with what a step needs of it.
pub(super) async fn with(
    tx: &BatchTx,
    subject: Subject,
    owed: Vec<OwedCallback>,
    needs: Needs,
) -> BatchResult<Loaded> {
    let id = subject.id;
    let late = async { if needs.late { late(tx, id).await } else { Ok(Vec::new()) } };
    let told = async { if needs.told { told(tx, id).await } else { Ok(Vec::new()) } };
    let (late, told) = tokio::join!(biased; late, told);
    let at_hand = AtHand { owed, late: late?, told: told? };
    Ok(Loaded::with(subject, needs, &at_hand)?)
}

async fn late(tx: &BatchTx, message: Id) -> BatchResult<Vec<String>> {
    let values = values![message, EventKind::LateReport.number(), LATE_REPORTS];
    let rows = tx.read(&statements::LATE, values).await?;
    rows.iter().map(|row| Ok(row.try_get("detail")?)).collect()
}

async fn told(tx: &BatchTx, message: Id) -> BatchResult<Vec<ReadStatus>> {
    let rows = tx.read(&statements::TOLD, values![message]).await?;
    rows.iter().map(|row| PgRow::new("read_reply", message, row).read_status("status")).collect()
}

/// Messages without an answer to this recipient, at most as many as are looked at: locked and claimed, but for one that is claimed already.
pub(super) async fn unanswered(
    tx: &BatchTx,
    carrier: &CarrierId,
    recipient: &str,
    but_for: Option<Id>,
    rows: &mut LifeRows,
) -> BatchResult<Vec<(Neighbour, Vec<OwedCallback>)>> {
    let found = tx.read(&statements::UNANSWERED, values![recipient, carrier, LOOKED_AT]).await?;
    let mut ids = Vec::new();
    for row in &found {
        let id = PgRow::by_id("message", row)?.id("id")?;
        if Some(id) != but_for {
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let loading = ids.iter().map(|id| subject(tx, *id));
    let mut unanswered = Vec::new();
    for loaded in futures_util::future::join_all(loading).await {
        let Some((row, owed)) = loaded? else { continue };
        let neighbour = Neighbour { loaded: Loaded::only(row.subject.clone()), sender: row.sender.clone() };
        rows.insert(row.subject.id, row);
        unanswered.push((neighbour, owed));
    }
    Ok(unanswered)
}

/// What a step of a message's life asks for.
pub(super) struct Step<'a> {
    /// What it needs.
    pub(super) needs: Needs,
    /// The carrier's MessageID that comes with it.
    pub(super) learned: Option<&'a str>,
    /// The number of a report that does not wait any more: the step is about it.
    pub(super) but_for: Option<i64>,
}

/// All that a step needs to know of a message, and what waits for it.
pub(super) async fn around(
    tx: &BatchTx,
    row: LifeRow,
    owed: Vec<OwedCallback>,
    Step { needs, learned, but_for }: Step<'_>,
    rows: &mut LifeRows,
) -> BatchResult<(Loaded, Option<Waiting>)> {
    let subject = row.subject.clone();
    let anything_waits = row.anything_waits;
    rows.insert(subject.id, row);
    let carrier = &subject.carrier.0;
    tx.share(BatchClaim::Recipient(carrier.clone(), subject.recipient.clone()))?;
    if let Some(learned) = learned.filter(|_| subject.carrier_message_id.is_none()) {
        tx.claim(BatchClaim::CarriersId(carrier.clone(), learned.to_owned()))?;
    }
    let mut waiting = if anything_waits { Some(waiting(tx, &subject, learned, rows).await?) } else { None };
    if let Some(waiting) = &mut waiting {
        waiting.reports.retain(|(number, _)| Some(*number) != but_for);
    }
    let loaded = with(tx, subject, owed, needs.beside(waiting.as_ref())).await?;
    Ok((loaded, waiting))
}

/// Reports and read replies that wait, by their numbers: each once.
#[derive(Default)]
struct Pile {
    reports: BTreeMap<i64, CarrierReport>,
    read_replies: BTreeMap<i64, CarrierReadReply>,
}

/// What waits for something to be learned about a message.
async fn waiting(
    tx: &BatchTx,
    subject: &Subject,
    learned: Option<&str>,
    rows: &mut LifeRows,
) -> BatchResult<Waiting> {
    let (mut pile, mut by_address, mut waiting) = (Pile::default(), Pile::default(), Waiting::default());
    let carrier = &subject.carrier;
    let id = subject.carrier_message_id.as_deref().or(learned);
    let under_id = async {
        match id {
            Some(id) => tx.read(&statements::WAITING_UNDER_ID, values![id, carrier, LOOKED_AT]).await,
            None => Ok(Vec::new()),
        }
    };
    let about = values![&subject.recipient, carrier, id, LOOKED_AT];
    let (under_id, others) = tokio::join!(biased; under_id, tx.read(&statements::WAITING_BY_ADDRESS, about));
    pile.add(&under_id?)?;
    by_address.add(&others?)?;
    if !by_address.reports.is_empty() {
        load_neighbours(tx, subject, &mut waiting, &mut pile, by_address, rows).await?;
    }
    waiting.reports = pile.reports.into_iter().collect();
    waiting.read_replies = pile.read_replies.into_iter().collect();
    Ok(waiting)
}

/// The messages that reports on one recipient may be about, and what waits under the MessageIDs of these reports; with what has to be
/// known of those that a report may be about. The others are left out.
async fn load_neighbours(
    tx: &BatchTx,
    subject: &Subject,
    waiting: &mut Waiting,
    pile: &mut Pile,
    by_address: Pile,
    rows: &mut LifeRows,
) -> BatchResult<()> {
    waiting.sender = sender(tx, subject.id, rows).await?;
    let (carrier, recipient) = (&subject.carrier, subject.recipient.as_str());
    let unanswered = unanswered(tx, carrier, recipient, Some(subject.id), rows).await?;
    let mut owed_of = BTreeMap::new();
    for (neighbour, owed) in unanswered {
        owed_of.insert(neighbour.loaded.subject.id, owed);
        waiting.neighbours.push(neighbour);
    }
    for (number, report) in by_address.reports {
        if !may_be_about(&report, &waiting.sender, &waiting.neighbours) {
            continue;
        }
        let id = &report.carrier_message_id;
        if !id.is_empty() && pile.reports.values().all(|other| other.carrier_message_id != *id) {
            pile.add(&tx.read(&statements::WAITING_UNDER_ID, values![id, carrier, LOOKED_AT]).await?)?;
            add_bearer(tx, subject, &report, waiting, &mut owed_of, rows).await?;
        }
        pile.reports.insert(number, report);
    }
    let reports: Vec<Numbered<CarrierReport>> =
        pile.reports.iter().map(|(number, report)| (*number, report.clone())).collect();
    waiting.neighbours.retain(|neighbour| reports.iter().any(|(_, report)| neighbour.may_be_meant(report)));
    let probe = Waiting {
        reports,
        read_replies: pile.read_replies.iter().map(|(number, reply)| (*number, reply.clone())).collect(),
        ..Waiting::default()
    };
    let needs = Needs::of_neighbour(&probe);
    for neighbour in &mut waiting.neighbours {
        let subject = neighbour.loaded.subject.clone();
        let owed = owed_of.remove(&subject.id).unwrap_or_default();
        neighbour.loaded = with(tx, subject, owed, needs).await?;
    }
    Ok(())
}

/// The message that is known by the MessageID of a report which waits by address.
async fn add_bearer(
    tx: &BatchTx,
    about: &Subject,
    CarrierReport { carrier_message_id, received_at, .. }: &CarrierReport,
    waiting: &mut Waiting,
    owed_of: &mut BTreeMap<Id, Vec<OwedCallback>>,
    rows: &mut LifeRows,
) -> BatchResult<()> {
    let found = by_carriers_id(tx, &about.carrier, carrier_message_id, *received_at).await?;
    let Some(id) = found else { return Ok(()) };
    if rows.contains_key(&id) {
        return Ok(());
    }
    let Some((row, owed)) = subject(tx, id).await? else { return Ok(()) };
    let loaded = Loaded::only(row.subject.clone());
    waiting.neighbours.push(Neighbour { loaded, sender: String::new() });
    owed_of.insert(id, owed);
    rows.insert(id, row);
    Ok(())
}

/// The SenderAddress of a message.
async fn sender(tx: &BatchTx, id: Id, rows: &LifeRows) -> BatchResult<String> {
    if let Some(row) = rows.get(&id).filter(|row| row.stage != LifeStage::Ended) {
        return Ok(row.sender.clone());
    }
    let row = tx.read_one(&statements::SENDER, values![id]).await?;
    let row = row.ok_or_else(|| corrupt("message", "id", id, "it is gone"))?;
    PgRow::by_id("message", &row)?.value("sender")
}

impl Pile {
    fn add(&mut self, rows: &[Row]) -> BatchResult<()> {
        for row in rows {
            let record = PgRow::by_id("unmatched_report", row)?;
            let number = record.value("id")?;
            match read_waiting(&record)? {
                Waits::Reply(reply) => drop(self.read_replies.insert(number, reply)),
                Waits::Report(report) => drop(self.reports.insert(number, report)),
            }
        }
        Ok(())
    }
}

/// What waits.
pub(super) enum Waits {
    /// A report.
    Report(CarrierReport),
    /// A read reply.
    Reply(CarrierReadReply),
}

/// What waits, from its row.
pub(super) fn read_waiting(record: &PgRow<'_>) -> BatchResult<Waits> {
    Ok(match record.time_if_any("read_at")? {
        Some(time_stamp) => Waits::Reply(CarrierReadReply {
            received_at: record.time("received_at")?,
            carrier: CarrierId(record.value("carrier")?),
            carrier_message_id: record.value("carrier_message_id")?,
            status: record.read_status("status")?,
            said: record.value("said")?,
            time_stamp,
            odd: record.value("odd")?,
        }),
        None => Waits::Report(read_report(record)?),
    })
}

fn read_report(record: &PgRow<'_>) -> BatchResult<CarrierReport> {
    let recipient = match record.value::<Option<&str>>("recipient")? {
        Some(_) => Some(record.known("recipient", |digits: &str| Msisdn::parse(digits, false))?),
        None => None,
    };
    Ok(CarrierReport {
        carrier: CarrierId(record.value("carrier")?),
        carrier_message_id: record.value("carrier_message_id")?,
        recipient,
        sender: record.value("sender")?,
        status: record.status("status")?,
        said: record.value("said")?,
        odd: record.value("odd")?,
        received_at: record.time("received_at")?,
    })
}
