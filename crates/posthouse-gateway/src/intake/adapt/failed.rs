//! Pictures that failed, remembered for a while: the same one again costs nothing.

use std::{collections::HashMap, time::Duration};

use posthouse_core::lock::Mutex;
use posthouse_media::{PictureError, Wish};
use tokio::time::Instant;

/// For how long a picture that failed is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many are remembered. The next makes the oldest forgotten.
const MOST: usize = 1024;
/// How often one may fail that ran out of time or broke the codec: another time it may do.
const CHANCES: u32 = 2;

/// A picture, and what it was to become.
pub(super) type PictureKey = [u8; 32];

/// What the same picture with the same wish has in common.
pub(super) fn digest(bytes: &[u8], wish: &Wish) -> PictureKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(wish.max_bytes as u64).to_le_bytes());
    hasher.update(&[u8::from(wish.jpeg), u8::from(wish.png)]);
    hasher.update(bytes);
    hasher.finalize().into()
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    times: u32,
    until: Instant,
}

/// Which pictures failed lately.
#[derive(Debug, Default)]
pub(super) struct Failed(Mutex<HashMap<PictureKey, Failures>>);

impl Failed {
    /// Whether a picture need not be tried again.
    pub(super) fn holds(&self, picture: &PictureKey) -> bool {
        let failed = self.0.lock();
        failed.get(picture).is_some_and(|one| one.times >= CHANCES && Instant::now() < one.until)
    }

    /// A picture failed; `None`: it broke the codec.
    pub(super) fn add(&self, picture: PictureKey, error: Option<&PictureError>) {
        let times = match error {
            // Neither need be the picture's fault.
            None | Some(PictureError::Stopped) => 1,
            Some(_) => CHANCES,
        };
        let now = Instant::now();
        let mut failed = self.0.lock();
        let before = failed.get(&picture).filter(|one| now < one.until).map_or(0, |one| one.times);
        if failed.len() >= MOST
            && !failed.contains_key(&picture)
            && let Some(oldest) = failed.iter().min_by_key(|(_, one)| one.until).map(|(oldest, _)| *oldest)
        {
            failed.remove(&oldest);
        }
        failed.insert(picture, Failures { times: before.saturating_add(times), until: now + REMEMBERED });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn picture(number: usize) -> PictureKey {
        digest(&number.to_le_bytes(), &Wish { max_bytes: 1, jpeg: true, png: true })
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_do_is_remembered_and_what_had_no_time_has_another_chance() {
        let failed = Failed::default();
        failed.add(picture(1), Some(&PictureError::DoesNotFit));
        assert!(failed.holds(&picture(1)) && !failed.holds(&picture(2)));
        for again in [None, Some(&PictureError::Stopped)] {
            assert!(!failed.holds(&picture(2)));
            failed.add(picture(2), again);
        }
        assert!(failed.holds(&picture(2)));
        let other = Wish { max_bytes: 2, jpeg: true, png: true };
        assert!(!failed.holds(&digest(&1_usize.to_le_bytes(), &other)), "as something else it may do");
        advance(REMEMBERED).await;
        assert!(!failed.holds(&picture(1)) && !failed.holds(&picture(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_of_failures_is_bounded() {
        let failed = Failed::default();
        for number in 0..MOST + 10 {
            failed.add(picture(number), Some(&PictureError::Unknown));
            advance(Duration::from_millis(1)).await;
        }
        assert_eq!(failed.0.lock().len(), MOST);
        assert!(!failed.holds(&picture(9)) && failed.holds(&picture(10)));
    }
}
