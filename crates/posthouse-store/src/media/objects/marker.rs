//! Whose a place is: an object that names the store, so that no two stores throw away each other's objects.

use bytes::Bytes;

use super::place::{MARKER, ObjectPlace, PlaceError};

/// The longest marker that is read, in bytes.
const BYTES: u64 = 16 << 10;
/// What is written and removed again, to see whether something can be.
const CHECK: &str = "posthouse-check";

/// Why a place cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlaceRefused {
    /// It is another store's.
    #[error(
        "the media at {place} are those of store {owner}; give this store a place of its own in [media] url"
    )]
    Foreign {
        /// The place.
        place: String,
        /// The store's identity.
        owner: String,
    },
    /// It is nobody's, and there should be media in it.
    #[error(
        "there are no media at {place}, where the store's messages have theirs; mount the folder, or give the right place in [media] url"
    )]
    Lost {
        /// The place.
        place: String,
    },
    /// Nothing can be written there.
    #[error("media cannot be written to {place}: {error}; {remedy}")]
    Unusable {
        /// The place.
        place: String,
        /// What it says.
        error: String,
        /// What an operator looks at.
        remedy: &'static str,
    },
}

/// Takes the place for this store, after making sure that it is nobody else's and that it can be written. `begins`: whether the store
/// has no objects yet, so that a place that is nobody's may be taken.
pub(super) async fn take(place: &dyn ObjectPlace, identity: &str, begins: bool) -> Result<(), PlaceRefused> {
    let unusable = |error| unusable(place, &error);
    let text = format!(
        "# The media of one Posthouse store lie here. Keep this: a gateway does not start on another store's media.\nstore = {identity}\n"
    );
    let owner = match read(place).await.map_err(unusable)? {
        Some(owner) => owner,
        None if !begins => return Err(PlaceRefused::Lost { place: place.to_string() }),
        None => match place.create(MARKER, &[Bytes::from(text)]).await {
            Ok(()) => identity.to_owned(),
            // Another node was faster.
            Err(PlaceError::Exists) => read(place).await.map_err(unusable)?.unwrap_or_default(),
            Err(error) => return Err(unusable(error)),
        },
    };
    if owner != identity {
        return Err(PlaceRefused::Foreign { place: place.to_string(), owner });
    }
    check(place).await.map_err(unusable)
}

async fn read(place: &dyn ObjectPlace) -> Result<Option<String>, PlaceError> {
    match place.read(MARKER, 0..BYTES).await {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(Some(
                text.lines().find_map(|line| line.strip_prefix("store = ")).unwrap_or_default().to_owned(),
            ))
        }
        Err(PlaceError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes something and removes it.
pub(super) async fn check(place: &dyn ObjectPlace) -> Result<(), PlaceError> {
    match place.create(CHECK, &[Bytes::from_static(b"posthouse\n")]).await {
        // Another node looks at the same time, or one stopped in between: it could be written.
        Ok(()) | Err(PlaceError::Exists) => {}
        Err(error) => return Err(error),
    }
    match place.remove(&[CHECK.to_owned()]).await {
        // Who may write and not remove has retention done by the bucket's own rules.
        Err(PlaceError::Denied(cause)) => {
            tracing::warn!(%cause, "media can be written and not removed: they stay till the bucket's own rules take them");
            Ok(())
        }
        removed => removed,
    }
}

fn unusable(place: &dyn ObjectPlace, error: &PlaceError) -> PlaceRefused {
    let remedy = match error {
        PlaceError::Denied(_) => {
            "check the name of the bucket or folder, the credentials and what they may do there"
        }
        PlaceError::Full => "make room there",
        _ => "check that it can be reached from this machine, and [media] endpoint and region",
    };
    PlaceRefused::Unusable { place: place.to_string(), error: error.to_string(), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::objects::testing::MemoryPlace;

    #[tokio::test]
    async fn a_place_is_one_stores() {
        let place = MemoryPlace::default();
        assert_eq!(
            take(&place, "store-1", false).await.unwrap_err().to_string(),
            "there are no media at memory, where the store's messages have theirs; mount the folder, or give the right place in [media] url"
        );
        take(&place, "store-1", true).await.unwrap();
        take(&place, "store-1", false).await.unwrap();
        let refused = take(&place, "store-2", true).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the media at memory are those of store store-1; give this store a place of its own in [media] url"
        );
        assert_eq!(place.names(), [MARKER]);
    }

    #[tokio::test]
    async fn a_place_that_does_not_answer_is_said_in_a_sentence() {
        let place = MemoryPlace::default();
        place.set_away(true);
        assert_eq!(
            take(&place, "store-1", true).await.unwrap_err().to_string(),
            "media cannot be written to memory: it does not answer: it was taken away; check that it can be reached from this machine, and [media] endpoint and region"
        );
    }
}
