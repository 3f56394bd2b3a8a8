//! Where tasks begin that nothing else holds: `app` and the rooms that it is said of keep their handles, or bound how many there are.

use tokio::task::JoinHandle;

/// Begins a task.
pub fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}
