//! Provisioning: what a document would change, and what it changed.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many lines of one kind people are shown: of what happens to things of one kind, and of the fields of one thing.
const LINES_OF_A_KIND: usize = 1000;

/// The body of `POST /api/v1/provisioning/plan` and `…/apply` as JSON. A document that needs none of the rest may be sent as it is, as
/// `application/toml`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvisioningRequest {
    /// The document, in the format of `posthouse apply`.
    pub toml: String,
    /// What `{ env = "NAME" }` in the document stands for. The gateway's own environment is never looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether what the document does not name is removed.
    #[serde(default)]
    pub prune: bool,
    /// Whether what the document leaves out of an account, a carrier or the lookup stays as it is.
    #[serde(default)]
    pub partial: bool,
    /// Whether credentials, callbacks, connections, services, accounts or carriers may end by it; else it is refused (`removes`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_removals: bool,
    /// The revision at which provisioning has to be; at any other nothing is done (`revision_moved`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_revision: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A change of provisioning that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionView {
    /// Its number; provisioning was at this revision after it.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub actor: String,
    /// Why, in the actor's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it changed, in short. Numbers are masked.
    pub summary: String,
    /// How many things it changed.
    pub things: u64,
}

/// The body of `POST /api/v1/provisioning/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The revision at which all was as it is to be again.
    pub to: u64,
    /// Whether it is only said what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// The revision at which provisioning has to be; at any other nothing is done (`revision_moved`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_revision: Option<u64>,
}

impl fmt::Debug for ProvisioningRequest {
    /// Documents hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisioningRequest").field("prune", &self.prune).finish_non_exhaustive()
    }
}

/// What a document would change, or changed. It serializes as `posthouse plan --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProvisioningPlan {
    /// The revision that was planned for, or that provisioning is at now.
    pub revision: u64,
    /// How many things are new.
    pub create: usize,
    /// How many things change.
    pub change: usize,
    /// How many things go.
    pub remove: usize,
    /// How many things stay as they are.
    pub keep: usize,
    /// Everything that is provisioned, and what happens to it.
    pub steps: Vec<PlannedStep>,
    /// What is there and would not be any more, that somebody may depend on: accounts, carriers, connections, services, credentials, and
    /// where callbacks go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
    /// What is not wrong, but an operator should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What happens to one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedStep {
    /// What kind of thing it is: `account`, `carrier`, `lookup`, `range` or `blacklist`.
    pub kind: String,
    /// Which one; empty for the lookup, of which there is one.
    pub name: String,
    /// What happens to it: `create`, `change`, `keep` or `remove`.
    pub action: String,
    /// The fields that change, of a thing that changes. Secrets are not shown.
    pub fields: Vec<PlannedField>,
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedField {
    /// Which one, such as `service 61295.senders`.
    pub field: String,
    /// What it was, if it had a value.
    pub from: Option<String>,
    /// What it will be, if it will have a value.
    pub to: Option<String>,
}

impl ProvisioningPlan {
    /// The steps that change something, for people: a line for each, and one more for each field that changes. Of a great many of one
    /// kind the first thousand have lines, and the others are counted.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
        let mut steps = self.steps.iter().filter(|step| step.action != "keep").peekable();
        while let Some(step) = steps.next() {
            let count = seen.entry((&step.kind, &step.action)).or_default();
            *count += 1;
            if *count <= LINES_OF_A_KIND {
                lines.push(line(step));
                add_fields(step, &mut lines);
            }
            // Steps are in the order of their kinds.
            if steps.peek().is_none_or(|next| next.kind != step.kind) {
                lines.extend(seen.drain().filter_map(uncounted));
            }
        }
        lines
    }

    /// A line that counts all steps.
    pub fn summary(&self) -> String {
        let Self { create, change, remove, keep, .. } = self;
        format!("{create} to create, {change} to change, {remove} to remove, {keep} unchanged")
    }
}

/// One line, without the fields that change.
fn line(PlannedStep { kind, name, action, .. }: &PlannedStep) -> String {
    match name.as_str() {
        "" => format!("{action} {kind}"),
        name => format!("{action} {kind} {name}"),
    }
}

/// What has no lines of its own.
fn uncounted(((kind, action), count): ((&str, &str), usize)) -> Option<String> {
    let more = count.checked_sub(LINES_OF_A_KIND).filter(|more| *more > 0)?;
    Some(format!("{action} {kind}: {more} more; --json prints them all"))
}

fn add_fields(step: &PlannedStep, lines: &mut Vec<String>) {
    lines.extend(step.fields.iter().take(LINES_OF_A_KIND).map(field));
    if let Some(more) = step.fields.len().checked_sub(LINES_OF_A_KIND).filter(|more| *more > 0) {
        let fields = if more == 1 { "field" } else { "fields" };
        lines.push(format!("  {more} more {fields}; --json prints them all"));
    }
}

fn field(PlannedField { field, from, to }: &PlannedField) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    format!("  {field}: {} -> {}", shown(from), shown(to))
}

/// What a verb of one thing did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeMade {
    /// The revision that provisioning is at.
    pub revision: u64,
    /// Whether anything changed: all may have been so already.
    pub changed: bool,
}

/// What came of a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumbersImported {
    /// How many lines had a number.
    pub numbers: usize,
    /// The revision that provisioning is at now.
    pub revision: u64,
    /// Whether they were only read.
    pub dry_run: bool,
}
