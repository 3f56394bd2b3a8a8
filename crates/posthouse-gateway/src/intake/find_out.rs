//! Finds out what the checks ask for.

use mm7::Limits;
use posthouse_core::{
    account::AccountStatus,
    submit::{
        AdaptFact, Admission, Ask, CarrierFact, Facts, FetchFact, SHED_FOR, adaptations, insert_fetched,
    },
};
use tokio::time::Instant;

use super::Intake;
use crate::{
    fetch::{Failure, FetchError},
    shares::Claim,
    telemetry::traces::SpanContext,
};

/// How many rounds of fetching a message has: for what it names, and for what a SMIL among that names.
const FETCH_ROUNDS: usize = 2;

/// What is known of a request while it is decided about.
pub struct Inquiry {
    /// The facts, as far as they were asked for.
    pub facts: Facts,
    /// The memory that the content takes which was fetched.
    fetched_memory: Vec<Claim<String>>,
    /// What the peer says of its own trace, where traces are sent.
    pub(crate) caller: Option<SpanContext>,
}

impl Inquiry {
    /// Nothing but what a request's head tells.
    pub const fn new(facts: Facts) -> Self {
        Self { facts, fetched_memory: Vec::new(), caller: None }
    }
}

impl Intake {
    /// Finds out a fact that is not the door's to find out.
    pub(super) async fn find_out(&self, ask: Ask, inquiry: &mut Inquiry) {
        let Inquiry { facts, fetched_memory, .. } = inquiry;
        match ask {
            Ask::Admission => {
                facts.admission = Some(match self.drain.is_draining() {
                    true => Admission::Later { retry_after: SHED_FOR },
                    false => self.admissions.admit(facts.account()),
                });
            }
            Ask::Content => {
                facts.content = facts.body.as_ref().and_then(|body| body.read_content(&Limits::default()))
            }
            Ask::Carrier => facts.carrier = Some(self.carrier(facts).await),
            Ask::Fetch => {
                let fact = self.fetch(facts, fetched_memory).await;
                self.metrics.fetch_ended(&fact);
                facts.fetched = Some(fact);
            }
            Ask::Adapt => facts.adapted = Some(self.adapt(facts).await),
            // The door's.
            Ask::Body | Ask::Credentials => {}
        }
    }

    async fn carrier(&self, facts: &Facts) -> CarrierFact {
        if facts.account().is_some_and(|account| account.status == AccountStatus::Sandbox) {
            let sandbox = facts.snapshot.sandbox();
            return sandbox.map_or(CarrierFact::NoCarrier, |carrier| self.directory.found(carrier));
        }
        let named = facts.body.as_ref().and_then(|body| body.carrier_id.as_deref());
        if let Some(carrier) = named.and_then(|id| facts.snapshot.named_carrier(id)) {
            return self.directory.found(carrier);
        }
        match facts.recipient() {
            Some(recipient) => self.directory.carrier_of(&facts.snapshot, &recipient).await,
            None => CarrierFact::NoCarrier,
        }
    }

    /// Fetches what the content names by URL, and then what a SMIL that came by URL names in its turn.
    async fn fetch(&self, facts: &Facts, memory: &mut Vec<Claim<String>>) -> FetchFact {
        let Some(Ok(content)) = &facts.content else { return FetchFact::Failed };
        let account = facts.account().map(|account| account.name.to_string()).unwrap_or_default();
        let deadline = self.fetcher.deadline();
        let mut content = content.clone();
        for _ in 0..FETCH_ROUNDS {
            let haul = match self.fetcher.fetch(&content.urls, &account, deadline).await {
                Ok(haul) => haul,
                Err(failure) => return self.not_fetched(facts, &failure),
            };
            memory.extend(haul.memory);
            content = match insert_fetched(&content, &haul.fetched, facts.dialect(), &Limits::default()) {
                Ok(content) => content,
                Err(error) => return FetchFact::Fetched(Err(error)),
            };
            if content.urls.is_empty() {
                return FetchFact::Fetched(Ok(content));
            }
        }
        FetchFact::Failed
    }

    async fn adapt(&self, facts: &Facts) -> AdaptFact {
        let Some(CarrierFact::Found { carrier, .. }) = &facts.carrier else { return AdaptFact::Failed };
        let Some(content) = facts.whole_content() else { return AdaptFact::Failed };
        let Some(wanted) = adaptations(content, carrier) else { return AdaptFact::Failed };
        let began = Instant::now();
        let account = facts.account().map(|account| account.name.to_string());
        let fact = self.adapter.adapt(content, &wanted, (account, facts.transaction_id())).await;
        self.metrics.adaptation_ended(&fact, began.elapsed());
        fact
    }

    /// The reason is for the operator's log alone.
    fn not_fetched(&self, facts: &Facts, failure: &Failure) -> FetchFact {
        let account = facts.account().map(|account| account.name.to_string());
        let (host, reason) = (&failure.host, &failure.source);
        tracing::warn!(account, transaction_id = facts.transaction_id(), host, %reason, "content by URL was not fetched");
        match failure.source {
            FetchError::NoRoom => FetchFact::NoRoom { retry_after: SHED_FOR },
            _ => FetchFact::Failed,
        }
    }
}
