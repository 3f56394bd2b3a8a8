//! Asks a provider: once for a number at a time, within the deadline, and not at all while it is down.

use std::{
    collections::{HashMap, hash_map},
    fmt,
    sync::{Arc, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use posthouse_core::{address::Msisdn, lock::Mutex};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use super::{
    answers::{Answers, Kept, KnownCarrier},
    number::Number,
};
use crate::{
    breaker::{Breaker, BreakerChange, BreakerPolicy},
    patience::within,
    spawn::spawn,
};

/// How many answers are kept: about 40 MB of them.
const MOST_ANSWERS: usize = 500_000;
/// How many numbers are asked for at a time; others wait for a place, within their deadline.
const PLACES: usize = 256;
/// When a provider counts as down. What it refuses or does not answer meanwhile costs nobody a wait.
const BREAKER: BreakerPolicy =
    BreakerPolicy { failures: 5, pause: Duration::from_secs(1), longest_pause: Duration::from_secs(8) };

/// Why a provider gave no answer, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct ProviderError(pub String);

/// A service that knows which carrier a number belongs to.
#[async_trait]
pub(super) trait NumberProvider: Send + Sync + fmt::Debug {
    /// Asks once. The caller sets the deadline.
    async fn ask(&self, number: &Msisdn) -> Result<KnownCarrier, ProviderError>;
}

/// How a question was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProviderAnswer {
    /// From memory.
    Remembered(KnownCarrier),
    /// By the provider.
    Asked(KnownCarrier),
    /// The provider is down; this is what it said too long ago.
    Stale(Arc<str>),
    /// The provider is down.
    Nothing,
}

/// A provider with what is known from it.
#[derive(Debug)]
pub(super) struct CachedProvider {
    provider: Box<dyn NumberProvider>,
    timeout: Duration,
    breaker: Breaker,
    places: Semaphore,
    ledger: Mutex<Ledger>,
}

/// What is known, and what is being asked. One lock holds both, so that nothing is asked that has just been answered.
#[derive(Debug)]
struct Ledger {
    answers: Answers,
    asked: HashMap<Number, Asked>,
}

/// A question under way: all its holders wait for the same answer.
type Asked = watch::Receiver<Option<Result<KnownCarrier, ProviderError>>>;

impl CachedProvider {
    /// Asks `provider`, which may take `timeout` for each answer, and keeps its answers for `lifetime`.
    pub fn new(provider: Box<dyn NumberProvider>, timeout: Duration, lifetime: Duration) -> Self {
        let answers = Answers::new(MOST_ANSWERS, lifetime);
        Self {
            provider,
            timeout,
            breaker: Breaker::new(BREAKER),
            places: Semaphore::new(PLACES),
            ledger: Mutex::new(Ledger { answers, asked: HashMap::new() }),
        }
    }

    /// Finds out about a number.
    pub async fn tell(self: &Arc<Self>, msisdn: &Msisdn) -> ProviderAnswer {
        let Some(number) = Number::of(msisdn) else { return ProviderAnswer::Remembered(None) };
        let (stale, asked) = match self.look(number, msisdn) {
            Looked::Known(answer) => return ProviderAnswer::Remembered(answer),
            Looked::Asked { stale, asked } => (stale, asked),
        };
        let answer = match asked {
            Some(mut asked) => match asked.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(answer)) => answer.clone().ok(),
                // The question broke off.
                Ok(None) | Err(_) => None,
            },
            None => None,
        };
        match (answer, stale) {
            (Some(answer), _) => ProviderAnswer::Asked(answer),
            (None, Some(name)) => ProviderAnswer::Stale(name),
            (None, None) => ProviderAnswer::Nothing,
        }
    }

    /// Looks into memory; else joins the question that is under way, or begins one if the breaker lets it.
    fn look(self: &Arc<Self>, number: Number, msisdn: &Msisdn) -> Looked {
        let now = Instant::now();
        let mut ledger = self.ledger();
        let stale = match ledger.answers.get(number, now) {
            Some(Kept::Fresh(answer)) => return Looked::Known(answer),
            // That nobody had the number is not served when it is stale: 2570 would be for good, 2569 is tried again.
            Some(Kept::Stale(answer)) => answer,
            None => None,
        };
        let asked = match ledger.asked.entry(number) {
            hash_map::Entry::Occupied(asked) => Some(asked.get().clone()),
            hash_map::Entry::Vacant(free) if self.breaker.admits(now) => {
                Some(free.insert(self.begin(number, msisdn.clone())).clone())
            }
            hash_map::Entry::Vacant(_) => None,
        };
        Looked::Asked { stale, asked }
    }

    /// Begins a question. It goes on when the request that began it goes away: others may wait for it, too.
    fn begin(self: &Arc<Self>, number: Number, msisdn: Msisdn) -> Asked {
        let (sender, asked) = watch::channel(None);
        let mut question = Question { provider: Arc::clone(self), number, answer: None };
        spawn(async move {
            let answer = question.provider.ask(&msisdn).await;
            question.answer = answer.as_ref().ok().cloned();
            drop(question);
            sender.send_replace(Some(answer));
        });
        asked
    }

    async fn ask(&self, number: &Msisdn) -> Result<KnownCarrier, ProviderError> {
        let asking = async {
            let place = self.places.acquire().await;
            let answer = self.provider.ask(number).await;
            drop(place);
            answer
        };
        let late = |_| Err(ProviderError(format!("nothing within {} ms", self.timeout.as_millis())));
        let answer = within(Instant::now() + self.timeout, asking).await.unwrap_or_else(late);
        match (self.breaker.note(answer.is_ok(), Instant::now()), &answer) {
            (BreakerChange::Opened, Err(why)) => {
                tracing::warn!(%why, "the carrier lookup is down: stale answers serve, other numbers get 2569");
            }
            (BreakerChange::Closed, _) => tracing::info!("the carrier lookup is back"),
            (_, Err(why)) => tracing::debug!(%number, %why, "a carrier lookup failed"),
            (_, Ok(_)) => {}
        }
        answer
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock()
    }
}

enum Looked {
    Known(KnownCarrier),
    Asked { stale: Option<Arc<str>>, asked: Option<Asked> },
}

/// A question that stands in the ledger till it is dropped, whether it ended or broke off.
struct Question {
    provider: Arc<CachedProvider>,
    number: Number,
    answer: Option<KnownCarrier>,
}

impl Drop for Question {
    /// Keeps the answer and takes the question out of the ledger, in one step.
    fn drop(&mut self) {
        let mut ledger = self.provider.ledger();
        if let Some(answer) = &self.answer {
            ledger.answers.put(self.number, answer, Instant::now());
        }
        ledger.asked.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
