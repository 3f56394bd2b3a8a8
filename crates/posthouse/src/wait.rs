//! Waiting: for the network, and for somebody who wants a command to stop.

use std::pin::Pin;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs what has to wait for the network.
pub(crate) fn wait_for<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut done = None;
    run_till_done(Box::pin(async { done = Some(work.await) }))?;
    done.context("it was given up")?
}

/// The same behind a pointer: the runtime's loop is compiled once, and not for each command.
fn run_till_done(work: Pin<Box<dyn Future<Output = ()> + '_>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the asynchronous runtime cannot be started")?.block_on(work);
    Ok(())
}

/// The signals that ask a program to stop: Ctrl-C and SIGTERM.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From here on they do not end the process by themselves: to be called before anybody is told that it runs.
    pub(crate) fn expect() -> anyhow::Result<Self> {
        let expect = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self { interrupt: expect(SignalKind::interrupt())?, terminate: expect(SignalKind::terminate())? })
    }

    /// Waits for one of them.
    pub(crate) async fn asked(&mut self) {
        // Neither ends before the runtime does.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
