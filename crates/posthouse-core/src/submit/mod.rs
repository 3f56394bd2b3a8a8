//! From a request to a decision: the ordered checks of contract 4.1.
//!
//! The order is one array, [`checks::CHECKS`]. Each check looks at [`Facts`] and passes, refuses, or asks for a fact that is not
//! known yet; whoever runs them finds it out (reads the body, verifies a password, looks a number up) and runs them again. So
//! the checks stay pure, and nothing is found out before it is needed.

mod adapt;
mod body;
mod causes;
mod checks;
mod facts;
mod mm7;
mod outcome;
mod plan;
mod presentation;
mod references;
mod reject;
mod request;

pub use adapt::{Adaptation, Adapted, adaptations, insert_adapted};
pub(crate) use body::find_part;
pub use body::{ContentFacts, Fetched, insert_fetched, read_content};
pub use causes::{Cause, causes};
pub use checks::{CHECKS, Check, Decision, decide};
pub use facts::{
    AdaptFact, Admission, Arrival, Ask, Body, CarrierFact, ContentLength, ContentTypeHeader, CredentialsFact,
    Facts, FetchFact, Head, Mm7Body,
};
pub use plan::{plan, repeats_since};
pub use references::make_ids_readable;
pub(crate) use reject::row;
pub use reject::{Reject, Rejection, SHED_FOR};
pub use request::SubmitRequest;
