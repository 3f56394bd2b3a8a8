//! The nodes that serve the store: a row for each number, which knows its holder, and when that was last heard of by the database's clock.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    cluster::{IDS_AHEAD, NODE_NUMBERS, VISITOR_NUMBERS, is_number_free},
    store::{Beat, Heartbeat, Joining, Membership, Node, NodeKind, Owner, StoreError},
    time::after,
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    division,
    fault::BatchResult,
    reader::ReadPool,
    record::{PgRow, time},
    schema, statements,
    value::values,
};

/// The row whose lock is that of all numbers.
const LOCK: &str = "identity";

/// So many nodes are named where there are too many.
const NAMED: usize = 5;

/// A number that is, or was, a node's.
pub(super) struct NodeSeat {
    /// Who has it.
    pub(super) holder: Option<Node>,
    number: u8,
    epoch: i64,
    kind: NodeKind,
    ids_until: Timestamp,
}

/// All numbers that were ever had, and what time it is.
pub(super) struct NodeSeats {
    pub(super) all: Vec<NodeSeat>,
    pub(super) now: Timestamp,
    revision: u64,
    /// Why this program may not go on, if it may not.
    outdated: Option<String>,
}

/// Reads them, locked.
pub(super) async fn seats(tx: &BatchTx) -> BatchResult<NodeSeats> {
    tx.claim(BatchClaim::Table("node"))?;
    let (locked, rows) = tokio::join!(biased;
        tx.read_one(&statements::REVISION_LOCK, values![LOCK]),
        tx.read(&statements::NODES, values![1_i64]));
    locked?;
    let rows = rows?;
    let first = rows.first().ok_or(StoreError::NotFound("time"))?;
    let (now, revision): (i64, Option<i64>) = (first.try_get("time")?, first.try_get("present")?);
    let revision = revision.and_then(|revision| u64::try_from(revision).ok()).unwrap_or(0);
    let outdated = schema::outdated(first.try_get("oldest")?);
    let is_there = |row: &&Row| row.try_get::<_, Option<i64>>("number").is_ok_and(|number| number.is_some());
    let all = rows.iter().filter(is_there).map(read_seat).collect::<BatchResult<_>>()?;
    Ok(NodeSeats { all, now: time(now), revision, outdated })
}

fn read_seat(row: &Row) -> BatchResult<NodeSeat> {
    let record = PgRow::new("node", row.try_get::<_, i64>("number")?, row);
    let byte = |number: i64| u8::try_from(number).ok();
    let kind = record.known("kind", |kind: i64| byte(kind).and_then(NodeKind::from_number))?;
    let number = record.known("number", byte)?;
    let holder = match record.owner("owner")? {
        None => None,
        Some(owner) => Some(Node {
            number,
            owner,
            epoch: record.known("epoch", |epoch: i64| u64::try_from(epoch).ok())?,
            kind,
            address: record.value("address")?,
            version: record.value("version")?,
            revision: record.known("revision", |revision: i64| u64::try_from(revision).ok())?,
            is_draining: record.value("draining")?,
            beat_at: record.time("beat_at")?,
        }),
    };
    Ok(NodeSeat { holder, number, epoch: record.value("epoch")?, kind, ids_until: record.time("ids_until")? })
}

fn put(tx: &BatchTx, node: &Node, owner: Option<Owner>, epoch: i64, ids_until: Timestamp) {
    let revision = i64::try_from(node.revision).unwrap_or(i64::MAX);
    tx.write(
        &statements::PUT_NODE,
        values![
            node.number,
            owner,
            epoch,
            node.kind.number(),
            &node.address,
            &node.version,
            revision,
            node.is_draining,
            node.beat_at,
            ids_until,
        ],
    );
}

/// A node comes.
pub(super) async fn join(tx: &BatchTx, joining: &Joining) -> BatchResult<Membership> {
    let NodeSeats { all, now, .. } = seats(tx).await?;
    let own = |seat: &&NodeSeat| seat.holder.as_ref().is_some_and(|node| node.owner == joining.owner);
    let numbers = match joining.kind {
        NodeKind::Gateway => NODE_NUMBERS,
        NodeKind::Visitor => VISITOR_NUMBERS,
    };
    let seat_of = |number: u8| all.iter().find(|seat| seat.number == number);
    let is_free = |seat: &NodeSeat| seat.holder.as_ref().is_none_or(|node| is_number_free(node.beat_at, now));
    let had = all.iter().find(own);
    let free = || numbers.clone().find(|number| seat_of(*number).is_none_or(is_free));
    let Some(number) = had.map(|seat| seat.number).or_else(free) else {
        let mut nodes = all.iter().filter_map(|seat| seat.holder.as_ref());
        let names: Vec<&str> = nodes.by_ref().take(NAMED).map(|node| node.address.as_str()).collect();
        let what = format!(
            "every number is a node's: {}, and {} more; stop those that are not needed (a number is free a minute after its node was last heard)",
            names.join(", "),
            nodes.count()
        );
        return Err(StoreError::refused(what).into());
    };
    let seat = seat_of(number);
    let epoch = match had {
        Some(seat) => seat.epoch,
        None => seat.map_or(0, |seat| seat.epoch) + 1,
    };
    let ids_after = seat.map(|seat| Id::first_at(seat.ids_until));
    let from = seat.map_or(now, |seat| seat.ids_until.max(now));
    let ids_until = after(from, IDS_AHEAD);
    let node = Node {
        number,
        owner: joining.owner,
        epoch: u64::try_from(epoch).unwrap_or(0),
        kind: joining.kind,
        address: joining.address.clone(),
        version: joining.version.clone(),
        revision: 0,
        is_draining: false,
        beat_at: now,
    };
    put(tx, &node, Some(joining.owner), epoch, ids_until);
    Ok(Membership { number, epoch: node.epoch, is_only: false, ids_after, ids_until, time: now })
}

/// A node says that it is there.
pub(super) async fn heartbeat(tx: &BatchTx, beat: &Beat) -> BatchResult<Heartbeat> {
    let NodeSeats { all, now, revision, outdated } = seats(tx).await?;
    let is_its = |seat: &&NodeSeat| seat.holder.as_ref().is_some_and(|node| node.owner == beat.owner);
    let seat = all.iter().find(is_its).ok_or(StoreError::LostLease)?;
    let node = seat.holder.as_ref().ok_or(StoreError::LostLease)?;
    let node = Node { revision: beat.revision, is_draining: beat.is_draining, beat_at: now, ..node.clone() };
    let ids_until = seat.ids_until.max(after(now, IDS_AHEAD));
    put(tx, &node, Some(beat.owner), seat.epoch, ids_until);
    let holders = all.iter().filter_map(|seat| seat.holder.as_ref());
    let alive = holders.filter(|node| node.serves(beat.owner, now)).map(|node| node.number).collect();
    Ok(Heartbeat { time: now, ids_until, revision, alive, outdated })
}

/// A node goes.
pub(super) async fn leave(tx: &BatchTx, owner: Owner) -> BatchResult<()> {
    let (seats, divisions) = tokio::join!(biased; seats(tx), division::read(tx));
    let (seats, divisions) = (seats?, divisions?);
    for seat in seats.all {
        if let Some(node) = seat.holder.filter(|node| node.owner == owner) {
            put(tx, &node, None, seat.epoch, seat.ids_until);
            division::forget(tx, &divisions, node.number)?;
        }
        debug_assert!(matches!(seat.kind, NodeKind::Gateway | NodeKind::Visitor), "there are no others");
    }
    Ok(())
}

/// All nodes that have a number.
pub(super) async fn nodes(readers: &ReadPool) -> BatchResult<Vec<Node>, StoreError> {
    let rows = readers.query(&statements::NODES_READ, values![]).await?;
    let seats = rows.iter().map(read_seat).collect::<BatchResult<Vec<_>>>()?;
    Ok(seats.into_iter().filter_map(|seat| seat.holder).collect())
}

/// When each owner was last heard of.
pub(super) async fn beats(tx: &BatchTx) -> BatchResult<Vec<(Owner, Timestamp)>> {
    let rows = tx.read(&statements::BEATS, values![1_i64]).await?;
    rows.iter().map(|row| Ok((Owner(row.try_get("owner")?), time(row.try_get("beat_at")?)))).collect()
}
