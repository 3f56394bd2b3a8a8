//! What stands before the nodes: connections go to one after the other, and past those that are not there.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// How long a node may take to take a connection.
const CONNECTING: Duration = Duration::from_secs(2);

/// A load balancer for one of the nodes' doors.
pub struct Balancer {
    address: SocketAddr,
    doors: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Balancer {
    /// One that knows no nodes yet.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let doors: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&doors);
        let task = tokio::spawn(async move {
            let next = Arc::new(AtomicUsize::new(0));
            while let Ok((front, _)) = listener.accept().await {
                tokio::spawn(pass(front, known.lock().unwrap().clone(), Arc::clone(&next)));
            }
        });
        Self { address, doors, task }
    }

    /// New connections go to these doors.
    pub fn know(&self, doors: Vec<SocketAddr>) {
        *self.doors.lock().unwrap() = doors;
    }

    /// The URL of a door, by way of this.
    pub fn url(&self, door: &str) -> String {
        door.replacen(&authority(door).to_string(), &self.address.to_string(), 1)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the door of a URL is.
pub fn authority(url: &str) -> SocketAddr {
    url.split('/').nth(2).unwrap().parse().unwrap()
}

async fn pass(mut front: TcpStream, doors: Vec<SocketAddr>, next: Arc<AtomicUsize>) {
    let first = next.fetch_add(1, Ordering::Relaxed);
    for turn in 0..doors.len() {
        let door = doors[(first + turn) % doors.len()];
        if let Ok(Ok(mut back)) = timeout(CONNECTING, TcpStream::connect(door)).await {
            // Either side may break it off.
            let _ = copy_bidirectional(&mut front, &mut back).await;
            return;
        }
    }
}
