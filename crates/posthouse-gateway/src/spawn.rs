//! Where tasks begin. Whoever begins one here keeps its handle and waits for it at the stop, as `app` does, or bounds how many there are
//! and how long each runs.

use tokio::task::JoinHandle;

/// Begins a task.
#[expect(clippy::disallowed_methods, reason = "the one place that does")]
pub fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}
