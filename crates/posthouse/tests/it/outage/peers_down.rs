//! What a gateway takes of the memory while nobody takes what it has: a carrier that accepts and never answers, a VASP that hangs up.

use tokio::{
    net::TcpListener,
    task::{JoinHandle, block_in_place},
    time::timeout,
};

use posthouse_sim::{CarrierOptions, CarrierSim, VaspOptions, VaspSim};

use super::{
    status::kib,
    town::{CLIENTS, Load, Sizes, Town, all_ended, carrier_options, configure, provision, vasp_options},
};
use crate::process::{DEADLINE, Gateway};

const SIZES: Sizes = Sizes(&[100_000, 300_000, 600_000, 1_000_000]);
/// Together some 250 MB.
const MESSAGES: u64 = 500;
/// The longest of them, with its envelope, in KiB.
const LONGEST: u64 = 1024;
/// What the fresh messages of a carrier may take (`LANE_BYTES` in `posthouse-gateway/src/handoff.rs`), in KiB.
const LANE: u64 = 24 << 10;
/// The usual window of a connection: so many are on their way at a time.
const WINDOW: u64 = 16;
/// The caches of the store's connections, and what the allocator keeps, in KiB.
const ALLOWANCE: u64 = 32 << 10;
/// So much beyond what a gateway takes that has nothing to do, in KiB: the lane's memory, what is read back from the store for each
/// place of the window, and for each client a body while it comes, is checked, and is written.
const BOUND: u64 = LANE + WINDOW * LONGEST + CLIENTS * 3 * LONGEST + ALLOWANCE;

/// An address where connections are taken and nothing else happens, till it is aborted; with `hang_up`, not even that.
async fn silent(hang_up: bool) -> (std::net::SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.extend((!hang_up).then_some(stream));
        }
    });
    (address, task)
}

async fn gone(task: JoinHandle<()>) {
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_takes_wait_on_disk_and_not_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder);
    let (carrier_at, carrier) = silent(false).await;
    let (vasp_at, vasp) = silent(true).await;
    let gateway = block_in_place(|| Gateway::start(folder));
    let pid = gateway.program.pid();
    let (carrier_url, vasp_url) = (format!("http://{carrier_at}/mm7"), format!("http://{vasp_at}"));
    block_in_place(|| provision(folder, &carrier_url, &vasp_url, "on_unknown = \"resend\"\n"));
    let before = kib(pid, "VmRSS");
    let peak = || kib(pid, "VmHWM") - before;

    let (load, clients) = Load::start(SIZES, MESSAGES, &gateway.mm7);
    timeout(DEADLINE, clients.join_all()).await.unwrap();
    println!("all accepted, nothing taken: {} of {BOUND} KiB", peak());
    assert!(peak() <= BOUND, "{} KiB are more than {BOUND}", peak());
    assert_eq!((load.accepted().len() as u64, load.refused(3000)), (MESSAGES, 0));

    // The carrier takes them, and nobody wants to know of it.
    gone(carrier).await;
    let carrier = CarrierOptions { listen: carrier_at, ..carrier_options() };
    let carrier = CarrierSim::start(carrier).await.unwrap();
    carrier.set_reports(Some(gateway.carriers.replace("{carrier}", "31003")));
    all_ended(folder).await;
    println!("all taken, no report: {} of {BOUND} KiB", peak());

    gone(vasp).await;
    let vasp = VaspSim::start(VaspOptions { listen: vasp_at, ..vasp_options() }).await.unwrap();
    let town = Town { folder: folder.to_owned(), carrier, vasp, resends: true };
    town.settled(&load.accepted()).await;
    println!("all reported: {} of {BOUND} KiB", peak());
    assert!(peak() <= BOUND, "{} KiB are more than {BOUND}", peak());
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
    assert_eq!(town.judge(&load).await, 0, "none was parked");
}
