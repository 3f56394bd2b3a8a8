//! The line in which passwords wait to be checked, which is slow on purpose.
//!
//! An address has a few of its tries in it at a time, and the accounts' tries are checked in turns: however many addresses guess at one account,
//! another's password waits for one check of each account. A request that shows the same as one whose check is under way waits for that check.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, MutexGuard, Weak},
    time::Duration,
};

use posthouse_core::lock::Mutex;
use tokio::{sync::OnceCell, time::Instant};

use crate::shares::{Most, NoShare, ShareRule, Shares};

/// How many of an address's tries are in the line at a time. Further ones wait till one of these is judged.
const OF_ADDRESS: usize = 4;
/// How many tries may wait for one of these places, of one address.
const WAITING_OF_ADDRESS: usize = 1024;
/// How many tries for the same credentials may wait for their check.
const OF_ACCOUNT: usize = 32;
/// How long a try waits, at most.
const WAIT: Duration = Duration::from_secs(20);

/// What is checked: the MAC of what was shown, and whether the user name is right.
type What = ([u8; 32], bool);

/// Tries that wait.
pub struct CheckLine {
    places: Shares<IpAddr>,
    /// What accounts wait for.
    pub(super) turns: Shares<String>,
    under_way: Mutex<HashMap<What, Weak<OnceCell<bool>>>>,
}

impl CheckLine {
    /// A line at whose end this many are checked at a time.
    pub fn new(at_a_time: usize) -> Self {
        // There are no more tries than connections, which are bounded; so only each one's are bounded here.
        let places = ShareRule {
            total: usize::MAX,
            most: Most::Units(OF_ADDRESS),
            waiting: usize::MAX,
            waiting_each: WAITING_OF_ADDRESS,
            oldest_exceeds: false,
        };
        let turns = ShareRule { total: at_a_time, most: Most::All, waiting_each: OF_ACCOUNT, ..places };
        Self { places: Shares::new(places), turns: Shares::new(turns), under_way: Mutex::default() }
    }

    /// Waits for the address's turn, and for the account's; then checks, unless what is known by then makes that needless, or somebody
    /// else does it already.
    ///
    /// # Errors
    /// [`NoShare`]: it was not its turn in time, or too many wait.
    pub async fn check(
        &self,
        from: IpAddr,
        hash: &str,
        what: What,
        known: impl Fn() -> Option<bool>,
        check: impl AsyncFnOnce() -> bool,
    ) -> Result<bool, NoShare> {
        let deadline = Instant::now() + WAIT;
        let _place = self.places.one(from, deadline).await?;
        let cell = self.cell(what);
        let checked = cell.get_or_try_init(async || {
            if let Some(known) = known() {
                return Ok(known);
            }
            let _turn = self.turns.one(hash.to_owned(), deadline).await?;
            match known() {
                Some(known) => Ok(known),
                None => Ok(check().await),
            }
        });
        let checked = checked.await.copied();
        drop(cell);
        self.forget(what);
        checked
    }

    fn cells(&self) -> MutexGuard<'_, HashMap<What, Weak<OnceCell<bool>>>> {
        self.under_way.lock()
    }

    fn cell(&self, what: What) -> Arc<OnceCell<bool>> {
        let mut cells = self.cells();
        if let Some(cell) = cells.get(&what).and_then(Weak::upgrade) {
            return cell;
        }
        let cell = Arc::default();
        cells.insert(what, Arc::downgrade(&cell));
        cell
    }

    /// Forgets what nobody waits for.
    fn forget(&self, what: What) {
        let mut cells = self.cells();
        if cells.get(&what).is_some_and(|cell| cell.strong_count() == 0) {
            cells.remove(&what);
        }
    }
}
