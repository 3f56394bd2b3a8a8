//! The admin API of a Posthouse gateway: what goes over the wire, and a client for it.
//!
//! Everything is below [`BASE`] on the admin door, and needs the admin token. Times are RFC 3339 in UTC, MessageIDs are strings of
//! decimal digits, and every refusal is a [`ProblemDetails`] (RFC 9457). docs/api.md has the resources one by one, with examples.
//!
//! This crate depends on no other crate of the repository, so that a client needs nothing of the gateway.

mod audit;
mod callback;
mod capture;
mod certificate;
mod client;
mod code;
mod connection;
mod find;
mod inbound;
mod key;
mod lint;
mod me;
mod message;
mod node;
mod operation;
mod page;
mod preview;
mod problem;
mod provisioned;
mod provisioning;
mod queue;
mod refusal;
mod sandbox;
mod stats;
mod submission;
mod token;
mod unreadable;
mod user;
mod version;

pub use audit::{AuditQuery, AuditRow};
pub use callback::{
    CallbackQuery, CallbackTries, CallbackTry, CallbackView, EndpointTested, EndpointView, LastAnswer,
    PausedView,
};
pub use capture::{CaptureRemoved, CaptureRequest, CaptureView, CapturedExchange};
pub use certificate::CertificateView;
pub use client::{ApiClient, ApiError};
pub use code::CodeView;
pub use connection::{
    ConnectionLimit, ConnectionProbed, ConnectionStatus, LimitRequest, SuspendRequest, Suspension,
};
pub use find::FoundView;
pub use inbound::{ForNobodyView, MoQuery, MoView, UnmatchedQuery, UnmatchedView};
pub use key::{IssuedKey, KeyKind, KeyRequest, KeyView};
pub use lint::{LintFinding, LintView};
pub use me::MeView;
pub use message::{
    FailedReport, InterveneRequest, Intervened, MessageDetail, MessageQuery, MessageShare, MessageSummary,
    MessageTotal, MessageView, NextStepView, PartView, ResendRequest, ResentBatch, TimelineLine,
};
pub use node::{LogLevelRequest, LogLevelView, NodeView};
pub use operation::{
    OperationItemView, OperationRequest, OperationView, RerouteRequest, ResubmitRequest, Resubmitted,
    StartRequest,
};
pub use page::PageOf;
pub use preview::{PreviewPart, PreviewView, SlideView};
pub use problem::{PROBLEM_JSON, ProblemCode, ProblemDetails, ProblemError};
pub use provisioned::{AccountView, BlacklistEntry, CarrierView, ConnectionView, LookupView, ServiceView};
pub use provisioning::{
    ChangeMade, NumbersImported, PlannedField, PlannedStep, ProvisioningPlan, ProvisioningRequest,
    RevisionView, RollbackRequest,
};
pub use queue::{AccountQueue, AccountShare, CarrierQueue, ConnectionPace};
pub use refusal::{FindingView, RefusalQuery, RefusalView};
pub use sandbox::{SandboxClear, SandboxCleared, SandboxDelivered, SandboxDelivery, SandboxMessage};
pub use stats::{SeriesView, StoreView, VolumeView};
pub use submission::{SubmissionAnswer, SubmissionPart, SubmissionRequest, SubmissionView};
pub use token::{IssuedToken, Revoked, TokenRequest, TokenView};
pub use unreadable::{UnreadableQuery, UnreadableRequest};
pub use user::{IssuedLink, RoleRequest, SessionEnded, SessionView, UserRemoved, UserRequest, UserView};
pub use version::VersionView;

/// What every path of the API begins with.
pub const BASE: &str = "/api/v1";
/// The header in which a caller says why it asks: it is kept beside what it changes.
pub const REASON_HEADER: &str = "x-reason";
/// The header by which a POST that is sent again is known: it gets the answer of the first, for 24 hours.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// The header in which a command says which user of the machine runs it. It counts with the token of the gateway's run alone, which
/// only those can read who may write the store itself.
pub const USER_HEADER: &str = "x-posthouse-user";
/// The most things that one page may have.
pub const MAX_PAGE: u16 = 200;
/// How many things a page has when the request does not say.
pub const DEFAULT_PAGE: u16 = 50;
/// The most messages that may be named one by one in a request that intervenes, and the most that one request changes.
pub const MAX_BATCH: usize = 250;
/// The longest body of a request about provisioning, in bytes.
pub const MAX_PROVISIONING_BYTES: usize = 8 << 20;
/// The longest request that is linted or tried, in bytes.
pub const MAX_LINT_BYTES: usize = 6 << 20;
/// The longest body of any other request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 << 10;
