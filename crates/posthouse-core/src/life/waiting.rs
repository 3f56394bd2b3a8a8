//! Reports that came before anybody could tell which message they are about: what is learned about one message tells of others.

use std::iter;

use super::{
    draft::Draft,
    effects::Decided,
    load::{Loaded, Numbered, Waiting, bears, is_between},
    read_reply::CarrierReadReply,
    state::State,
};
use crate::message::CarrierReport;

/// A message that something happens to, and what waits for something to be learned about it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) subject: Draft,
    sender: String,
    neighbours: Vec<(Draft, String)>,
    pile: Pile,
}

/// What waits. What was applied is gone from it.
#[derive(Debug, Default)]
struct Pile {
    reports: Vec<Option<Numbered<CarrierReport>>>,
    read_replies: Vec<Option<Numbered<CarrierReadReply>>>,
    forgotten: Vec<i64>,
}

impl Scene {
    pub(super) fn new(loaded: Loaded, waiting: Option<Waiting>) -> Self {
        let Waiting { reports, read_replies, sender, neighbours } = waiting.unwrap_or_default();
        Self {
            subject: Draft::new(loaded),
            sender,
            neighbours: neighbours
                .into_iter()
                .map(|neighbour| (Draft::new(neighbour.loaded), neighbour.sender))
                .collect(),
            pile: Pile {
                reports: reports.into_iter().map(Some).collect(),
                read_replies: read_replies.into_iter().map(Some).collect(),
                forgotten: Vec::new(),
            },
        }
    }

    /// Applies the reports that waited for what is known since a moment ago: the message's MessageID, that it is parked or waits to be
    /// sent again, or that it is out of the way of another one. Whether a callback about *this* message became owed.
    pub(super) fn apply_waiting(&mut self) -> bool {
        let mut owes = self.pile.apply_to(&mut self.subject);
        for index in 0..self.pile.reports.len() {
            let Some(found) = self.pile.report(index).and_then(|report| self.find(report)) else { continue };
            let Some(report) = self.pile.take(index) else { continue };
            let draft = match found.checked_sub(1) {
                None => &mut self.subject,
                Some(neighbour) => match self.neighbours.get_mut(neighbour) {
                    Some((draft, _)) => draft,
                    None => continue,
                },
            };
            let by_address = draft.hear(&report).owed.is_some();
            let by_id = self.pile.apply_to(draft);
            if found == 0 {
                owes |= by_address || by_id;
            }
        }
        owes
    }

    /// The message that a waiting report is about: 0 for the subject, from 1 for a neighbour. By its MessageID the newest, for carriers
    /// that begin anew use old ones again; otherwise by the addresses, when it is the only one between these two.
    fn find(&self, report: &CarrierReport) -> Option<usize> {
        let subject = self.subject.subject();
        let is_to_it = report.recipient.as_ref().is_some_and(|to| to.as_str() == subject.recipient);
        if !is_to_it || report.carrier != subject.carrier {
            return None;
        }
        let neighbours = self.neighbours.iter().map(|(draft, sender)| (draft, sender));
        let all = iter::once((&self.subject, &self.sender)).chain(neighbours).enumerate();
        let known = all.clone().filter(|(_, (draft, _))| bears(draft.subject(), &report.carrier_message_id));
        if let Some((newest, _)) = known.max_by_key(|(_, (draft, _))| draft.subject().id) {
            return Some(newest);
        }
        let mut between = all.filter(|(_, (draft, sender))| is_between(draft.subject(), sender, report));
        match (between.next(), between.next()) {
            (Some((only, (draft, _))), None) if draft.state() != State::Sending => Some(only),
            _ => None,
        }
    }

    /// What is to be written, and this answer.
    pub(super) fn decided<T>(self, answer: T) -> Decided<T> {
        let neighbours = self.neighbours.into_iter().filter_map(|(draft, _)| draft.into_effects_if_any());
        let effects = iter::once(self.subject.into_effects()).chain(neighbours).collect();
        Decided { answer, effects, forgotten: self.pile.forgotten }
    }
}

impl Pile {
    fn report(&self, index: usize) -> Option<&CarrierReport> {
        self.reports.get(index)?.as_ref().map(|(_, report)| report)
    }

    fn take(&mut self, index: usize) -> Option<CarrierReport> {
        let (number, report) = self.reports.get_mut(index)?.take()?;
        self.forgotten.push(number);
        Some(report)
    }

    /// Applies what waited under a message's MessageID, if that is known. Whether a callback about it became owed.
    fn apply_to(&mut self, draft: &mut Draft) -> bool {
        let Some(id) = draft.subject().carrier_message_id.clone() else { return false };
        let mut owes = false;
        for slot in &mut self.reports {
            if let Some((number, report)) = slot.take_if(|(_, report)| report.carrier_message_id == id) {
                self.forgotten.push(number);
                owes |= draft.hear(&report).owed.is_some();
            }
        }
        for slot in &mut self.read_replies {
            if let Some((number, reply)) = slot.take_if(|(_, reply)| reply.carrier_message_id == id) {
                self.forgotten.push(number);
                owes |= draft.hear_reply(&reply);
            }
        }
        owes
    }
}
