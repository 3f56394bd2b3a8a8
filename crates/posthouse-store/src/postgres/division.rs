//! How limits are divided among the nodes: a row for what each node last said that it wants, and one document of how much each node has. The lock
//! of all numbers is that of these too: a node that says what it wants at the same time as another starts from what that one wrote.

use jiff::Timestamp;
use posthouse_core::{
    divisions::{Divisions, NodeDemands},
    store::{Divided, Node, Owner, StoreError, Wanting},
};
use serde::Serialize;
use tokio_postgres::Row;

use super::{
    batch::BatchTx,
    fault::BatchResult,
    member::{NodeSeats, seats},
    record::PgRow,
    statements,
    value::values,
};

/// A node says what it wants, and hears what it has.
pub(super) async fn divide(tx: &BatchTx, wanting: &Wanting) -> BatchResult<Divided> {
    let (seats, said, before) = tokio::join!(biased;
        seats(tx),
        tx.read(&statements::DEMANDS, values![1_i64]),
        read(tx));
    let (NodeSeats { all, now, .. }, said, before) = (seats?, said?, before?);
    let nodes: Vec<&Node> = all.iter().filter_map(|seat| seat.holder.as_ref()).collect();
    let is_its = |node: &&&Node| node.owner == wanting.owner;
    let node = nodes.iter().find(is_its).ok_or(StoreError::LostLease)?.number;
    let demands = &wanting.demands;
    tx.write(&statements::PUT_DEMAND, values![node, wanting.owner, now, &json(demands)?]);
    if !before.is_due(demands, now) {
        return Ok(Divided { time: now, divisions: before });
    }
    let mut said = said.iter().map(read_demands).collect::<BatchResult<Vec<_>>>()?;
    // What an earlier holder of a number wanted is over.
    said.retain(|(owner, said)| {
        said.node != node && nodes.iter().any(|node| node.number == said.node && node.owner == *owner)
    });
    let mut said: Vec<NodeDemands> = said.into_iter().map(|(_, said)| said).collect();
    said.push(NodeDemands { node, demands: demands.clone(), said_at: now });
    let divisions = before.next(&said, now);
    tx.write(&statements::PUT_DIVISION, values![1_i64, &json(&divisions)?]);
    Ok(Divided { time: now, divisions })
}

/// How they are divided.
pub(super) async fn read(tx: &BatchTx) -> BatchResult<Divisions> {
    match tx.read_one(&statements::DIVISION, values![1_i64]).await? {
        Some(row) => PgRow::new("division", 1, &row).json("document"),
        None => Ok(Divisions::default()),
    }
}

/// A node has gone.
pub(super) fn forget(tx: &BatchTx, before: &Divisions, node: u8) -> BatchResult<()> {
    tx.write(&statements::PUT_DIVISION, values![1_i64, &json(&before.without(node))?]);
    Ok(())
}

fn read_demands(row: &Row) -> BatchResult<(Owner, NodeDemands)> {
    let record = PgRow::new("demand", row.try_get::<_, i64>("node")?, row);
    let node = record.known("node", |number: i64| u8::try_from(number).ok())?;
    let owner = record.owner("owner")?.unwrap_or(Owner(0));
    let said_at: Timestamp = record.time("said_at")?;
    Ok((owner, NodeDemands { node, demands: record.json("demands")?, said_at }))
}

fn json<T: Serialize>(value: &T) -> BatchResult<String> {
    Ok(serde_json::to_string(value).map_err(|error| StoreError::refused(error.to_string()))?)
}
