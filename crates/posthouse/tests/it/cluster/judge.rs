//! What must hold in the end, whatever went wrong on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use posthouse_core::{
    Id,
    life::state::State,
    message::{EventKind, TimelineEvent},
    store::{MessageFilter, Store},
};
use posthouse_sim::carrier::KeptMessage;
use tokio::time::sleep;

use super::{load::Load, town::ClusterTown};

/// How long it may take till the last message has ended and its report is there, once no callback comes any more: leases and attempts run
/// out, what is parked ends.
const SETTLED_WITHIN: Duration = Duration::from_secs(240);
/// So many messages are looked up at a time.
const PAGE: usize = 1000;

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What got 1000, and is not in the store.
    pub lost: BTreeSet<Id>,
    /// What is wrong with a message, in words.
    pub wrong: Vec<String>,
    /// The timelines of those of which it was not known for a while whether they had arrived.
    pub unknown: BTreeMap<Id, Vec<String>>,
    /// How many messages there are.
    pub messages: usize,
}

impl Verdict {
    /// Nothing is lost, nothing wrong.
    #[track_caller]
    pub fn is_clean(&self) {
        assert!(self.lost.is_empty(), "{} of {} are lost: {:?}", self.lost.len(), self.messages, self.lost);
        assert_eq!(self.wrong, [""; 0]);
    }
}

/// The ends that the VASP was told: each with the id of the report, which is the same when that comes twice.
type Told = BTreeMap<Id, BTreeSet<(String, String)>>;

impl ClusterTown {
    /// Waits till every message has ended, and the VASP knows of every one that was accepted and is in the store.
    pub async fn settled(&self, loads: &[&Load]) {
        let store = self.visit().await;
        let states = State::all().filter(|state| !state.is_terminal()).collect();
        let open = MessageFilter { states, ..MessageFilter::default() };
        let settled = async {
            // Of a server that comes back just now the first look may fail.
            while !store.messages(&open, 1).await.is_ok_and(|open| open.is_empty()) {
                sleep(Duration::from_millis(200)).await;
            }
            let stored = stored(&*store).await;
            let mut untold = accepted(loads);
            untold.retain(|id| stored.contains_key(id));
            loop {
                // What the VASP was told is read anew for all of them at once: there may be a hundred thousand callbacks.
                let told = self.told();
                untold.retain(|id| !told.contains_key(id));
                if untold.is_empty() {
                    return;
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        let stuck = async {
            let mut told = self.vasp.callbacks().len();
            loop {
                sleep(SETTLED_WITHIN).await;
                let before = std::mem::replace(&mut told, self.vasp.callbacks().len());
                if told == before {
                    return;
                }
            }
        };
        tokio::select! {
            () = settled => {}
            () = stuck => panic!("{}", self.what_is_open(&*store, &open, loads).await),
        }
        store.close().await.unwrap();
    }

    async fn what_is_open(&self, store: &dyn Store, open: &MessageFilter, loads: &[&Load]) -> String {
        let told = self.told();
        let untold = accepted(loads).into_iter().filter(|id| !told.contains_key(id));
        let mut said = format!("it does not settle; the VASP was not told of {}", untold.count());
        for message in store.messages(open, 5).await.unwrap_or_default() {
            let timeline = store.timeline(message.id).await;
            let _ = write!(said, "\nopen: {message:#?} {timeline:#?}");
        }
        said
    }

    /// Compares what was promised with what the store, the carriers and the VASP have. All has [settled](Self::settled).
    pub async fn judge(&self, loads: &[&Load]) -> Verdict {
        let store = self.visit().await;
        let (accepted, stored, told) = (accepted(loads), stored(&*store).await, self.told());
        let lost = accepted.iter().filter(|id| !stored.contains_key(id)).copied().collect();
        let mut verdict = Verdict { lost, messages: stored.len(), ..Verdict::default() };
        let mut at_carrier: BTreeMap<Id, Vec<Arc<KeptMessage>>> = BTreeMap::new();
        for kept in [self.park.messages(), self.resend.messages()].concat() {
            let id = kept.transaction_id.as_ref().unwrap().as_str().parse().unwrap();
            at_carrier.entry(id).or_default().push(kept);
        }
        for (id, state) in &stored {
            let timeline = store.timeline(*id).await.unwrap().unwrap();
            let at_carrier = at_carrier.get(id).map_or(0, Vec::len);
            let lines =
                timeline.iter().map(|event| format!("{} {:?} {:?}", event.at, event.kind, event.detail));
            let lines: Vec<String> = lines.collect();
            if timeline.iter().any(is_unknown) {
                verdict.unknown.insert(*id, lines.clone());
            }
            if !accepted.contains(id) {
                verdict.wrong.push(format!("{id} is stored, and nobody was told its id"));
            }
            let ends = told.get(id).cloned().unwrap_or_default();
            if let Some(wrong) = wrong(*state, &timeline, at_carrier, &ends) {
                let what = format!(
                    "{id} ({state:?}): {wrong}; {at_carrier} at the carrier, told {ends:?}: {lines:#?}"
                );
                verdict.wrong.push(what);
            }
        }
        let strangers = at_carrier.keys().filter(|id| !stored.contains_key(id) && !verdict.lost.contains(id));
        let strangers: Vec<String> =
            strangers.map(|id| format!("{id} was sent, and is not stored")).collect();
        verdict.wrong.extend(strangers);
        store.close().await.unwrap();
        verdict
    }

    fn told(&self) -> Told {
        let mut told = Told::new();
        for callback in self.vasp.callbacks().iter().filter(|callback| callback.is_acknowledged()) {
            let Some(status) = callback.status().filter(|status| status.is_terminal()) else { continue };
            let of = callback.report().and_then(|report| report.mm.message_id.clone()).unwrap();
            let report = callback.transaction_id.as_ref().map(ToString::to_string).unwrap_or_default();
            told.entry(of.as_str().parse().unwrap()).or_default().insert((status.to_string(), report));
        }
        told
    }
}

/// What got 1000.
fn accepted(loads: &[&Load]) -> BTreeSet<Id> {
    loads.iter().flat_map(|load| load.accepted().into_keys()).collect()
}

/// Where every message of the store stands.
async fn stored(store: &dyn Store) -> BTreeMap<Id, State> {
    let (mut stored, mut filter) = (BTreeMap::new(), MessageFilter::default());
    loop {
        let page = store.messages(&filter, PAGE).await.unwrap();
        let Some(last) = page.last() else { return stored };
        filter.below = Some(last.id);
        stored.extend(page.into_iter().map(|message| (message.id, message.state)));
    }
}

/// Whether this says that an attempt may have arrived.
fn is_unknown(event: &TimelineEvent) -> bool {
    event.kind == EventKind::Parked || event.kind == EventKind::Retrying
}

fn wrong(
    state: State,
    timeline: &[TimelineEvent],
    at_carrier: usize,
    ends: &BTreeSet<(String, String)>,
) -> Option<&'static str> {
    let count = |kind| timeline.iter().filter(|event| event.kind == kind).count();
    if !state.is_terminal() || count(EventKind::Ended) != 1 {
        Some("it did not end exactly once")
    } else if ends.len() != 1 || ends.iter().any(|(end, _)| end != state.as_str()) {
        Some("the VASP was not told its end in one report")
    } else if at_carrier > count(EventKind::Sending) {
        Some("it reached the carrier more often than attempts were begun")
    } else if at_carrier > 1 && !timeline.iter().any(is_unknown) {
        Some("it reached the carrier twice, and nothing says why")
    } else if at_carrier == 0 && state.as_str() == "Retrieved" {
        Some("it was never sent")
    } else {
        None
    }
}
