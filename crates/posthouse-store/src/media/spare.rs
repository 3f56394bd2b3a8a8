//! Keeps a segment ready whose space on disk is taken: filling one is faster than extending a file, and nothing waits for it.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::folder::{Folder, SegmentFile};

/// The thread that makes segments, one at a time. It ends when this is dropped and its file is done.
#[derive(Debug)]
pub(super) struct Spare {
    orders: Sender<SegmentFile>,
    done: Receiver<Option<SegmentFile>>,
    /// The one on order. It may appear in the folder before it is taken.
    ordered: Option<i64>,
}

impl Spare {
    /// Starts the thread.
    pub(super) fn start(folder: Folder) -> io::Result<Self> {
        let (orders, taken) = channel::<SegmentFile>();
        let (finished, done) = channel();
        thread::Builder::new().name("media-spare".into()).spawn(move || {
            for order in taken {
                if finished.send(make(&folder, order)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, done, ordered: None })
    }

    /// The segment on order: it is not to be used before [`Spare::take`] gives it.
    pub(super) fn on_order(&self) -> Option<i64> {
        self.ordered
    }

    /// Orders a segment. One at a time: not before the last one was taken.
    pub(super) fn order(&mut self, segment: SegmentFile) {
        self.ordered = self.orders.send(segment).is_ok().then_some(segment.id);
    }

    /// What was ordered, once it is done.
    pub(super) fn take(&mut self) -> Option<SegmentFile> {
        let done = self.done.try_recv().ok()?;
        self.ordered = None;
        done
    }
}

fn make(folder: &Folder, order: SegmentFile) -> Option<SegmentFile> {
    match folder.reserve(order.id, order.bytes) {
        Ok(()) => Some(order),
        Err(error) => {
            tracing::warn!(%error, segment = order.id, "media segment could not be made ahead");
            None
        }
    }
}
