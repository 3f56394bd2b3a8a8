//! What is still taken below the low-water mark: what lets work drain, and nothing else.

use crate::store_error::StoreError;

/// What somebody wants written, by what it means for the space there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Something new: a message, one from a handset, a report or read reply whose message is not known, or the question whether these
    /// would be taken.
    New,
    /// More about what is there, which brings nothing nearer to its end: a report in passing, a read reply, a request that nobody can
    /// read.
    More,
    /// What ends a message.
    End,
}

impl Demand {
    /// Whether it may be written. `lost`: why nothing new is taken, when some of the store's files are gone.
    ///
    /// # Errors
    /// `lost` for what is new; [`StoreError::Full`] for what ends nothing, while the store is short of space.
    pub fn may_be_met(self, is_short_of_space: bool, lost: Option<&StoreError>) -> Result<(), StoreError> {
        match (self, lost) {
            (Self::New, Some(lost)) => Err(lost.clone()),
            (Self::New | Self::More, _) if is_short_of_space => Err(StoreError::Full),
            (Self::New | Self::More | Self::End, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_of_space_only_an_end_is_taken() {
        let lost = || StoreError::not_done("a segment is gone");
        for (demand, is_short, is_lost, expected) in [
            (Demand::New, false, false, Ok(())),
            (Demand::New, true, false, Err(StoreError::Full)),
            (Demand::New, false, true, Err(lost())),
            (Demand::New, true, true, Err(lost())),
            (Demand::More, false, false, Ok(())),
            (Demand::More, true, false, Err(StoreError::Full)),
            (Demand::More, false, true, Ok(())),
            (Demand::More, true, true, Err(StoreError::Full)),
            (Demand::End, false, false, Ok(())),
            (Demand::End, true, true, Ok(())),
        ] {
            let gone = is_lost.then(lost);
            let answer = demand.may_be_met(is_short, gone.as_ref());
            assert_eq!(answer, expected, "{demand:?}, short {is_short}, lost {is_lost}");
        }
    }
}
