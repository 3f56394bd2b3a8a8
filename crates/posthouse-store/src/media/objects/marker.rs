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
        "there are no media at {place}, where the store's messages have theirs; mount the folder, or give the right place in [media] url; if they are no messages of this cluster, give a database of its own in [store] url"
    )]
    Lost {
        /// The place.
        place: String,
    },
    /// It was taken for the store at the same time as another one, which has become its place.
    #[error(
        "the media of the store are not those at {place}: another node has taken another place for them; give the same place in [media] url at each node, or, to another cluster, a database of its own in [store] url"
    )]
    Another {
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
/// has no place yet, so that one that is nobody's may be taken. Returns what tells the place from others that say they are this store's.
pub(super) async fn take(
    place: &dyn ObjectPlace,
    identity: &str,
    begins: bool,
) -> Result<String, PlaceRefused> {
    let unusable = |error| unusable(place, &error);
    let own = MarkerText { owner: identity.to_owned(), sign: sign() };
    let text = format!(
        "# The media of one Posthouse store lie here. Keep this: a gateway does not start on another store's media.\nstore = {}\nplace = {}\n",
        own.owner, own.sign
    );
    let MarkerText { owner, sign } = match read(place).await.map_err(unusable)? {
        Some(found) => found,
        None if !begins => return Err(PlaceRefused::Lost { place: place.to_string() }),
        None => match place.create(MARKER, &[Bytes::from(text)]).await {
            Ok(()) => own,
            // Another node was faster.
            Err(PlaceError::Exists) => read(place).await.map_err(unusable)?.unwrap_or_default(),
            Err(error) => return Err(unusable(error)),
        },
    };
    if owner != identity {
        return Err(PlaceRefused::Foreign { place: place.to_string(), owner });
    }
    check(place).await.map_err(unusable)?;
    Ok(sign)
}

/// Some letters by chance. Where there is no chance to be had there is none to tell places apart by, as in those of earlier versions.
fn sign() -> String {
    let mut bytes = [0_u8; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => String::new(),
    }
}

/// What is written at a place.
#[derive(Default)]
struct MarkerText {
    /// Whose it is.
    owner: String,
    /// What tells it from other places; empty where an earlier version took it.
    sign: String,
}

async fn read(place: &dyn ObjectPlace) -> Result<Option<MarkerText>, PlaceError> {
    match place.read(MARKER, 0..BYTES).await {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let value =
                |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            Ok(Some(MarkerText { owner: value("store = ").to_owned(), sign: value("place = ").to_owned() }))
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
            "there are no media at memory, where the store's messages have theirs; mount the folder, or give the right place in [media] url; if they are no messages of this cluster, give a database of its own in [store] url"
        );
        let sign = take(&place, "store-1", true).await.unwrap();
        assert_eq!(sign.len(), 32);
        assert_eq!(take(&place, "store-1", false).await.unwrap(), sign);
        assert_ne!(
            take(&MemoryPlace::default(), "store-1", true).await.unwrap(),
            sign,
            "places are told apart"
        );
        let refused = take(&place, "store-2", true).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the media at memory are those of store store-1; give this store a place of its own in [media] url"
        );
        assert_eq!(place.names(), [MARKER]);
    }

    #[tokio::test]
    async fn a_place_that_an_earlier_version_took_has_no_sign() {
        let place = MemoryPlace::default();
        place.create(MARKER, &[Bytes::from_static(b"# It is kept.\nstore = store-1\n")]).await.unwrap();
        assert_eq!(take(&place, "store-1", false).await.unwrap(), "");
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
