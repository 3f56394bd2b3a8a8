//! Single connections: what operators decide about them beside provisioning, and whether they can be reached.

pub(super) mod edit;
pub mod limit;
pub mod list;
pub mod probe;
pub mod resume;
pub mod suspend;

use jiff::Timestamp;
use posthouse_api::{
    ConnectionLimit, ConnectionStatus, ProblemCode, ProblemDetails, ProblemError, Suspension,
};
use posthouse_core::{
    actor::Actor,
    bounds,
    carrier::{CarrierId, Connection},
    overrides::{ConnectionOverride, MAX_REASON, NoOverride, OverrideSetting, OverridesInForce},
    store::Store,
};

use super::{AdminState, VerbError, listed, patiently, unknown};
use crate::carrier::links::Link;

/// The connection of a path.
///
/// # Errors
/// It is not provisioned, or what the store says.
async fn known(store: &dyn Store, carrier: &CarrierId, name: &str) -> Result<Connection, VerbError> {
    let carriers = store.without_numbers().await?.carriers;
    let found = carriers.into_iter().find(|one| one.id == *carrier);
    let found = found.ok_or_else(|| unknown("carrier", carrier.as_str()))?;
    let connection = found.connections.into_iter().find(|connection| connection.name == name);
    let missing = || {
        let command = format!("carriers show {carrier}");
        let listed = listed(&command, &format!("carriers/{carrier}/connections"));
        unknown("connection", name).remedy(format!("correct the name; {listed}"))
    };
    Ok(connection.ok_or_else(missing)?)
}

/// Puts an override in force, for the reason that it has itself, or that the caller gave.
async fn put(
    store: &dyn Store,
    (carrier, name): (&CarrierId, &str),
    (setting, until, reason): (OverrideSetting, Option<Timestamp>, Option<&str>),
    by: &Actor,
    now: Timestamp,
) -> Result<ConnectionStatus, VerbError> {
    let connection = known(store, carrier, name).await?;
    let reason = reason.or(by.reason.as_deref()).unwrap_or_default();
    let put = ConnectionOverride {
        carrier: carrier.clone(),
        connection: name.to_owned(),
        setting,
        since: now,
        until,
        by: by.name.clone(),
        reason: bounds::cut(reason, MAX_REASON).to_owned(),
    };
    put.check(now).map_err(refused)?;
    patiently(|| store.put_override(&put, by, now)).await?;
    shown(store, carrier, &connection, now).await
}

fn refused(why: NoOverride) -> ProblemDetails {
    let (pointer, remedy) = match why {
        NoOverride::Over => ("/until", "write a time to come, or leave it out"),
        NoOverride::NoLimit => ("", "write window, per_second or both; or lift, to end a limit"),
        NoOverride::Zero => ("", "write 1 or more; suspend it to let nothing through"),
        NoOverride::TooMuch => ("", "write less, or lift the limit"),
    };
    let error = ProblemError::at_pointer(pointer, why.to_string()).with_remedy(remedy);
    ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
}

/// How a connection stands.
async fn shown(
    store: &dyn Store,
    carrier: &CarrierId,
    connection: &Connection,
    now: Timestamp,
) -> Result<ConnectionStatus, VerbError> {
    let overrides = store.overrides(now).await?;
    Ok(view(carrier, connection, &OverridesInForce::of(&overrides, (carrier, &connection.name), now)))
}

/// A connection as it is shown.
fn view(carrier: &CarrierId, connection: &Connection, in_force: &OverridesInForce) -> ConnectionStatus {
    let (suspended, limited) = views(in_force);
    ConnectionStatus {
        carrier: carrier.to_string(),
        name: connection.name.clone(),
        window: connection.window,
        per_second: connection.per_second,
        state: None,
        suspended,
        limited,
    }
}

/// What is in force, as it is shown.
pub(super) fn views(in_force: &OverridesInForce) -> (Option<Suspension>, Option<ConnectionLimit>) {
    let suspended = in_force.suspended.as_ref().map(|one| Suspension {
        since: one.since,
        until: one.until,
        by: one.by.clone(),
        reason: one.reason.clone(),
    });
    let limited = in_force.limited.as_ref().map(|one| {
        let (window, per_second) = match one.setting {
            OverrideSetting::Limited { window, per_second } => (window, per_second),
            OverrideSetting::Suspended => (None, None),
        };
        let ConnectionOverride { since, until, by, reason, .. } = one.clone();
        ConnectionLimit { window, per_second, since, until, by, reason }
    });
    (suspended, limited)
}

/// What the gateway uses the connection for, in a word.
fn with_state(state: &AdminState, carrier: &CarrierId, status: ConnectionStatus) -> ConnectionStatus {
    let links = state.board.of(carrier);
    let link = links.iter().find(|link| link.connection().name == status.name);
    ConnectionStatus { state: link.map(|link| standing(link)), ..status }
}

fn standing(link: &Link) -> String {
    link.standing(&link.pace_state()).to_owned()
}

/// Something was decided: it is in force when the answer goes out. Where the store cannot be read just now, it is a moment later.
pub(super) async fn seen(state: &AdminState) {
    if let Err(error) = state.overrides.look().await {
        tracing::debug!(%error, "what was decided is looked at again");
    }
}
