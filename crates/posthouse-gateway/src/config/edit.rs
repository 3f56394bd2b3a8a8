//! Changes one thing that is provisioned as a document of its own says, in JSON: what PUT, PATCH and DELETE of the API do. The document is
//! made into the tree of a provisioning file, so that rules, mistakes and revisions are those of one.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    mistake::Mistake,
    provisioning::{
        self as rules, Certificates, Ground, Plan, Ports, Provisioning, export,
        partial::complete,
        reading::{Problems, Reader},
        tls::PeerTls,
        tree::{Entries, NothingOutside, Spot, TreeNode, Value},
    },
    store::{Store, StoreError},
};
use serde_json::Value as Json;

use super::{
    apply::{Applied, TRIES},
    provisioning::{BEGIN, StoreSecrets, plan},
    reader::ELSEWHERE,
    writer,
};
use crate::tls::client::check as check_tls;

/// One thing that is provisioned, by the names on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThingPath {
    /// An account.
    Account(String),
    /// A service of an account, by its VASID.
    Service(String, String),
    /// A carrier, by its id.
    Carrier(String),
    /// A connection of a carrier.
    Connection(String, String),
}

/// What is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThingEdit {
    /// It is this, and nothing else of it stays.
    Put(Json),
    /// What this says of it counts, `null` takes away, and the rest stays (RFC 7396; services and connections are found by their names).
    Patch(Json),
    /// It goes.
    Remove,
}

/// What has to be so before it is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditMode {
    /// The revision at which provisioning has to be, if at one.
    pub expected: Option<u64>,
    /// Whether what somebody may depend on may end by it.
    pub allow_removals: bool,
}

/// Why it is not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such thing.
    #[error("no {kind} {name} is provisioned")]
    Unknown {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The document is not right.
    #[error(transparent)]
    Mistakes(#[from] Problems),
    /// Somebody may depend on what would end.
    #[error("this would end {}", .0.join(", "))]
    Removes(Vec<String>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change provisioning faster than it can be planned.
    #[error("provisioning was changed by others {TRIES} times meanwhile")]
    Contended,
}

impl ThingPath {
    /// What kind of thing it is.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Service(..) => "service",
            Self::Carrier(_) => "carrier",
            Self::Connection(..) => "connection",
        }
    }

    /// The thing of the top level in which it is: the key of its list, what it is called by there, and its name.
    fn whole(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::Account(name) | Self::Service(name, _) => ("account", "name", name),
            Self::Carrier(id) | Self::Connection(id, _) => ("carrier", "id", id),
        }
    }

    /// The same of a part of it: the key of its list there, what it is called by, and its name.
    fn part(&self) -> Option<(&'static str, &'static str, &str)> {
        match self {
            Self::Account(_) | Self::Carrier(_) => None,
            Self::Service(_, vasid) => Some(("service", "vasid", vasid)),
            Self::Connection(_, name) => Some(("connection", "name", name)),
        }
    }

    fn unknown(&self) -> EditError {
        let name = self.part().unwrap_or_else(|| self.whole()).2.to_owned();
        EditError::Unknown { kind: self.kind(), name }
    }
}

/// Does it. Passwords are hashed meanwhile: not for a thread that serves requests.
///
/// # Errors
/// Why it is not done.
pub async fn edit(
    store: &dyn Store,
    path: &ThingPath,
    edit: &ThingEdit,
    mode: EditMode,
    by: &Actor,
    now: Timestamp,
) -> Result<Applied, EditError> {
    let key = store.key().await?;
    for _ in 0..TRIES {
        let prune = path.part().is_none() && *edit == ThingEdit::Remove;
        // What goes may be named by ranges and by the blacklist, of which there may be a million.
        let current = match prune {
            true => store.provisioning().await?,
            false => store.without_numbers().await?,
        };
        if let Some(expected) = mode.expected.filter(|expected| *expected != current.revision) {
            return Err(StoreError::RevisionMoved { expected, found: current.revision }.into());
        }
        let plan = planned(path, edit, &current, prune, &key)?;
        if !plan.losses.is_empty() && !mode.allow_removals {
            return Err(EditError::Removes(plan.losses));
        }
        if plan.changes.is_empty() {
            return Ok(Applied { plan, revision: current.revision });
        }
        match store.change(&plan.changes, Some(current.revision), by, now).await {
            Ok(revision) => return Ok(Applied { plan, revision }),
            Err(StoreError::RevisionMoved { .. }) if mode.expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(EditError::Contended)
}

fn planned(
    path: &ThingPath,
    edit: &ThingEdit,
    current: &Provisioning,
    prune: bool,
    key: &[u8; 32],
) -> Result<Plan, EditError> {
    let reader = Reader::new(&NothingOutside, ELSEWHERE);
    let tree = tree(path, edit, current)?;
    let ports = Ports { secrets: &StoreSecrets { key }, certificates: &PemTexts };
    let spot = Spot::Pointer("".into());
    let declared = rules::check(&reader, (tree, spot), ports, Ground { current, prune })?;
    Ok(plan(&declared, current))
}

/// The tree of a provisioning file that says so.
fn tree(path: &ThingPath, edit: &ThingEdit, current: &Provisioning) -> Result<Entries<'static>, EditError> {
    let (list, key, name) = path.whole();
    let stored = match list {
        "account" => current.accounts.iter().find(|known| known.name.0 == name).map(export::account),
        _ => current.carriers.iter().find(|known| known.id.as_str() == name).map(export::carrier),
    };
    let one = |entries| vec![(list.into(), listed(vec![table(entries)]))];
    let Some((parts, part_key, part)) = path.part() else {
        return match edit {
            ThingEdit::Put(json) => Ok(one(said(json, key, name)?)),
            ThingEdit::Patch(json) if stored.is_some() => Ok(complete(one(said(json, key, name)?), current)),
            ThingEdit::Remove if stored.is_some() => Ok(without(export::export(current), list, key, name)),
            ThingEdit::Patch(_) | ThingEdit::Remove => Err(path.unknown()),
        };
    };
    let stored = stored.ok_or_else(|| EditError::Unknown { kind: list, name: name.to_owned() })?;
    let is_there = holds(&stored, parts, part_key, part);
    match edit {
        ThingEdit::Put(json) => {
            let new = said(json, part_key, part)?;
            Ok(one(with(without(stored, parts, part_key, part), parts, new)))
        }
        ThingEdit::Patch(json) if is_there => {
            let new = said(json, part_key, part)?;
            let named = (key.into(), node(Value::Text(name.to_owned().into())));
            Ok(complete(one(vec![named, (parts.into(), listed(vec![table(new)]))]), current))
        }
        ThingEdit::Remove if is_there => Ok(one(without(stored, parts, part_key, part))),
        ThingEdit::Patch(_) | ThingEdit::Remove => Err(path.unknown()),
    }
}

/// What a document says of a thing, whose name is that of the path.
fn said(json: &Json, key: &'static str, name: &str) -> Result<Entries<'static>, EditError> {
    let TreeNode { spot, value } = writer::tree(json.clone(), "");
    let Value::Table(mut entries) = value else {
        return Err(mistake(spot, ("it has to be an object", "write its members as GET shows them")));
    };
    match entries.iter().find(|(known, _)| known == key) {
        Some((_, TreeNode { value: Value::Text(text), .. })) if text == name => {}
        Some((_, TreeNode { spot, .. })) => {
            let what = (format!("the path says {name:?}"), format!("write the same {key}, or leave it out"));
            return Err(mistake(spot.clone(), what));
        }
        None => entries.insert(0, (key.into(), node(Value::Text(name.to_owned().into())))),
    }
    Ok(entries)
}

fn mistake(spot: Spot, what: impl Into<Mistake>) -> EditError {
    Problems(vec![rules::reading::Problem { spot, what: what.into() }]).into()
}

fn node(value: Value<'static>) -> TreeNode<'static> {
    TreeNode { spot: Spot::Pointer("".into()), value }
}

fn table(entries: Entries<'static>) -> TreeNode<'static> {
    node(Value::Table(entries))
}

fn listed(nodes: Vec<TreeNode<'static>>) -> TreeNode<'static> {
    node(Value::List(nodes))
}

/// Whether a node is the table that is called so.
fn is_named(node: &TreeNode<'_>, key: &str, name: &str) -> bool {
    let Value::Table(entries) = &node.value else { return false };
    let value = entries.iter().find(|(known, _)| known == key).map(|(_, node)| &node.value);
    matches!(value, Some(Value::Text(text)) if text == name)
}

fn holds(entries: &Entries<'_>, list: &str, key: &str, name: &str) -> bool {
    let list = entries.iter().find(|(known, _)| known == list).map(|(_, node)| &node.value);
    matches!(list, Some(Value::List(nodes)) if nodes.iter().any(|node| is_named(node, key, name)))
}

/// The same without one of a list.
fn without(mut entries: Entries<'static>, list: &str, key: &str, name: &str) -> Entries<'static> {
    if let Some((_, TreeNode { value: Value::List(nodes), .. })) =
        entries.iter_mut().find(|(known, _)| known == list)
    {
        nodes.retain(|node| !is_named(node, key, name));
    }
    entries
}

/// The same with one more of a list.
fn with(mut entries: Entries<'static>, list: &'static str, new: Entries<'static>) -> Entries<'static> {
    match entries.iter_mut().find(|(known, _)| known == list) {
        Some((_, TreeNode { value: Value::List(nodes), .. })) => nodes.push(table(new)),
        _ => entries.push((list.into(), listed(vec![table(new)]))),
    }
    entries
}

/// PEM texts, which stand in the document: this machine's files are not for whoever sends it.
struct PemTexts;

impl Certificates for PemTexts {
    fn text(&self, written: &str) -> Result<String, Mistake> {
        match written.trim_start().starts_with(BEGIN) {
            true => Ok(written.to_owned()),
            false => Err(("is no PEM text", "write here what the file holds").into()),
        }
    }

    fn check(&self, tls: &PeerTls) -> Result<(), (&'static str, Mistake)> {
        check_tls(tls).map_err(|error| error.place())
    }
}
