//! Which connections each carrier's lane uses at the moment, for who looks at them from outside.

use std::{collections::BTreeMap, sync::Arc};

use posthouse_core::{carrier::CarrierId, lock::Mutex};

use super::links::{Link, Links};

/// The connections in use, by carrier.
#[derive(Default)]
pub struct LinkBoard(Mutex<BTreeMap<CarrierId, Arc<Links>>>);

impl LinkBoard {
    /// A carrier's lane uses these from now on.
    pub fn put(&self, carrier: &CarrierId, links: &Arc<Links>) {
        let mut all = self.0.lock();
        match links.all().is_empty() {
            true => all.remove(carrier),
            false => all.insert(carrier.clone(), Arc::clone(links)),
        };
    }

    /// All of them.
    pub fn all(&self) -> Vec<(CarrierId, Vec<Arc<Link>>)> {
        self.0.lock().iter().map(|(carrier, links)| (carrier.clone(), links.all().to_vec())).collect()
    }

    /// Those of a carrier; none where it has no lane, or no connection.
    pub fn of(&self, carrier: &CarrierId) -> Vec<Arc<Link>> {
        self.0.lock().get(carrier).map(|links| links.all().to_vec()).unwrap_or_default()
    }
}
