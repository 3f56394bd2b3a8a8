//! Requests in a file, judged.

use serde::{Deserialize, Serialize};

/// What a gateway would answer to a request, and why, without sending it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LintView {
    /// How long it is, head and body, in bytes.
    pub bytes: u64,
    /// The operation in it, where one can be read.
    pub operation: Option<String>,
    /// Its TransactionID, where one can be read.
    pub transaction_id: Option<String>,
    /// How many parts it has beside the envelope.
    pub parts: u64,
    /// The account by whose provisioning it was judged; null: by the rules of the format alone.
    pub account: Option<String>,
    /// The dialect that answers.
    pub dialect: String,
    /// Whether nothing is wrong with it, as far as that can be told without sending it.
    pub accepted: bool,
    /// What would be answered: 1000 where it is accepted.
    pub code: u32,
    /// The StatusText of that.
    pub text: String,
    /// The codes that would be answered one after the other as the faults before are put right.
    pub codes: Vec<u32>,
    /// What is wrong, in the order of the file.
    pub findings: Vec<LintFinding>,
    /// The checks that could not be made: what they ask shows only when it is sent.
    pub not_judged: Vec<String>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LintFinding {
    /// The rule that it breaks, or the check that finds it.
    pub rule: String,
    /// The row of the order of checks.
    pub row: Option<u8>,
    /// What this dialect answers to it; null: it takes it, and others do not.
    pub code: Option<u32>,
    /// Whether provisioning tells, and not the request alone.
    pub provisioning: bool,
    /// What is wrong.
    pub what: String,
    /// The byte of the file where it is, from 0.
    pub byte: u64,
    /// The line of the file, from 1, where it is in text.
    pub line: Option<u64>,
    /// The column in that line, from 1.
    pub column: Option<u64>,
    /// What stands there.
    pub found: Option<String>,
    /// What should stand there instead.
    pub write: Option<String>,
    /// What to do.
    pub remedy: String,
    /// The clause.
    pub clause: String,
}
