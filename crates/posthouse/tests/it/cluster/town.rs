//! Gateways on one PostgreSQL database, what stands around it, and two carriers and a VASP that outlive all of them.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use posthouse_core::store::{Node, NodeKind, Store};
use posthouse_sim::{CarrierOptions, CarrierSim, VaspOptions, VaspSim, http::exchange};
use posthouse_store::{
    Access, MediaPlace, StoreUrl, open,
    suite::{postgres_server::PostgresServer, seaweed::SeaweedFs},
};
use posthouse_testing::provisioning::{AccountToml, CarrierToml, range};
use tempfile::TempDir;
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use super::{
    balancer::{Balancer, authority},
    load::{Load, LoadPlan},
    network::Network,
};
use crate::process::{self, DEADLINE, Gateway, Program};

/// What carriers and VASP keep: more than ever comes.
const KEPT: usize = 10_000_000;
/// The carrier whose messages are parked when they may have arrived.
pub const PARK: &str = "31003";
/// The carrier whose messages are sent again then.
pub const RESEND: &str = "31002";
/// So many complaints of a node are shown.
const COMPLAINTS: usize = 40;
/// What is parked ends after it. A carrier tries for 6 s to bring a report.
const REPORT_TIMEOUT: &str = "12s";

/// What a town has.
#[derive(Clone)]
pub struct TownPlan {
    pub nodes: usize,
    /// A standby that the primary's commits wait for.
    pub has_standby: bool,
    /// Media are in S3, and not in a folder.
    pub has_s3: bool,
    /// How long carriers take to answer.
    pub latency: Duration,
    /// Lines of the connection to the carrier that is [`PARK`].
    pub park: &'static str,
    /// Of the other's.
    pub resend: &'static str,
    /// How long the VASP takes to answer.
    pub vasp_delay: Duration,
    /// Nodes are in network namespaces of their own.
    pub has_network: bool,
    /// The program that nodes are; `None`: the one that is tested.
    pub program: Option<PathBuf>,
}

impl TownPlan {
    /// Three nodes, media in a folder.
    pub const THREE: Self = Self {
        nodes: 3,
        has_standby: false,
        has_s3: false,
        latency: Duration::from_millis(20),
        park: "window = 16\n",
        resend: "window = 16\n",
        vasp_delay: Duration::ZERO,
        has_network: false,
        program: None,
    };
}

/// A place for a node, and the node where it runs.
pub struct Member {
    folder: PathBuf,
    program: Option<PathBuf>,
    pub gateway: Option<Gateway>,
}

/// All of it.
pub struct ClusterTown {
    pub nodes: Vec<Member>,
    pub database: PostgresServer,
    pub standby: Option<PostgresServer>,
    pub s3: Option<SeaweedFs>,
    pub park: CarrierSim,
    pub resend: CarrierSim,
    pub vasp: VaspSim,
    submits: Balancer,
    reports: Balancer,
    network: Option<Network>,
    name: String,
    folder: TempDir,
}

impl ClusterTown {
    /// Builds it, with its nodes at work; `None`, after a line that says so, where a server is not installed.
    pub async fn found(test: &str, plan: &TownPlan) -> Option<Self> {
        let servers = block_in_place(|| {
            let database = PostgresServer::start(&[])?;
            let standby = plan.has_standby.then(|| database.standby("s1"));
            let s3 = if plan.has_s3 { Some(SeaweedFs::start(test)?) } else { None };
            Some((database, standby, s3))
        });
        let (database, standby, s3) = servers?;
        let name = database.make_database().await;
        if standby.is_some() {
            database.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (s1)'").await;
            database.run("postgres", "SELECT pg_reload_conf()").await;
        }
        let network = if plan.has_network {
            Some(Network::build(test, plan.nodes, database.socket()).await?)
        } else {
            None
        };
        let outside = network.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), Network::outside);
        let listen = SocketAddr::from((outside, 0));
        let carrier = |id: &str| CarrierOptions {
            listen,
            latency: plan.latency,
            report_delay: Duration::from_millis(10),
            keep_messages: KEPT,
            keep_bytes: usize::MAX,
            ..CarrierOptions::new(id)
        };
        let vasp = VaspOptions {
            listen,
            delay: plan.vasp_delay,
            keep_callbacks: KEPT,
            keep_bytes: usize::MAX,
            ..VaspOptions::default()
        };
        let mut town = Self {
            nodes: Vec::new(),
            database,
            standby,
            s3,
            park: CarrierSim::start(carrier(PARK)).await.unwrap(),
            resend: CarrierSim::start(carrier(RESEND)).await.unwrap(),
            vasp: VaspSim::start(vasp).await.unwrap(),
            submits: Balancer::open().await,
            reports: Balancer::open().await,
            network,
            name,
            folder: tempfile::tempdir().unwrap(),
        };
        town.start_all(plan);
        town.provision(plan);
        // Into tables of an earlier version nobody looks; there `apply` has said that all know.
        if plan.program.is_none() {
            town.all_know().await;
        }
        Some(town)
    }

    /// All at once: the first makes the tables, whichever that is.
    fn start_all(&mut self, plan: &TownPlan) {
        for node in 0..plan.nodes {
            let folder = self.folder.path().join(format!("node-{}", node + 1));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("posthouse.toml"), self.configuration(node, &self.url())).unwrap();
            self.nodes.push(Member { folder, program: plan.program.clone(), gateway: None });
        }
        let starting: Vec<Program> = (0..plan.nodes).map(|node| self.serve(node)).collect();
        for (member, program) in self.nodes.iter_mut().zip(starting) {
            member.gateway = Some(block_in_place(|| Gateway::ready(program)));
        }
        self.tell();
    }

    /// The address of the database: of the primary, and of the standby that may become it.
    fn url(&self) -> String {
        match (&self.network, &self.standby) {
            (Some(network), _) => format!("postgres://posthouse@{}/{}", network.database(), self.name),
            (None, Some(standby)) => self.database.url_with(standby, &self.name),
            (None, None) => self.database.url(&self.name),
        }
    }

    /// Where all nodes keep media.
    pub fn media(&self) -> MediaPlace {
        match &self.s3 {
            Some(s3) => MediaPlace::S3(s3.location(&self.name)),
            None => self.folder.path().join("media").into(),
        }
    }

    /// The name of the database.
    pub fn database_name(&self) -> &str {
        &self.name
    }

    /// What a node is configured by.
    fn configuration(&self, node: usize, url: &str) -> String {
        let listen = self.network.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |it| it.address(node));
        let media = match self.media() {
            MediaPlace::S3(place) => format!(
                "url = \"s3://{}/{}\"\nendpoint = {:?}\nregion = \"us-east-1\"\naccess_key_id = \"posthouse\"\nsecret_access_key = \"secret-of-tests\"\n",
                place.bucket,
                place.prefix,
                place.endpoint.unwrap()
            ),
            folder @ MediaPlace::Folder(_) => format!("url = \"{folder}\"\n"),
        };
        format!(
            "[store]\nurl = {url:?}\nrequire_standbys = {}\n[media]\n{media}[mm7]\nlisten = \"{listen}:0\"\nread_timeout = \"5s\"\n\
             [carriers]\nlisten = \"{listen}:0\"\n[admin]\nlisten = \"{listen}:0\"\ntoken = \"hush\"\n[shutdown]\ngrace = \"1ms\"\n",
            u8::from(self.standby.is_some())
        )
    }

    fn provision(&self, plan: &TownPlan) {
        let carrier = |id: &str, on_unknown: &str, carrier: &CarrierSim, lines: &str| {
            CarrierToml::new(id)
                .with(&format!("on_unknown = {on_unknown:?}\nreport_timeout = {REPORT_TIMEOUT:?}\n"))
                .connection("sim", &carrier.url(), &format!("timeout = \"10s\"\n{lines}"))
                .to_string()
        };
        let file = [
            self.account("acme", ""),
            carrier(PARK, "park", &self.park, plan.park),
            carrier(RESEND, "resend", &self.resend, plan.resend),
            range("1617", PARK),
            range("1508", RESEND),
        ];
        self.apply(0, &file.concat());
    }

    /// An account whose reports go to the VASP.
    pub fn account(&self, name: &str, lines: &str) -> String {
        self.account_with(name, lines, "")
    }

    /// The same with these lines for its callbacks.
    pub fn account_with(&self, name: &str, lines: &str, callbacks: &str) -> String {
        let again = format!("retry_after = \"1s\"\nmax_retries = 1000\n{callbacks}");
        let url = format!("{}/reports", self.vasp.url());
        AccountToml::new(name).with(lines).callbacks(&url, &again).service("default = true\n").to_string()
    }

    /// Provisions by way of a node.
    pub fn apply(&self, node: usize, toml: &str) {
        let Member { folder, program, .. } = &self.nodes[node];
        fs::write(folder.join("provisioning.toml"), toml).unwrap();
        let mut apply =
            posthouse_of(program.as_deref(), folder, &["apply", "provisioning.toml", "-c", "posthouse.toml"]);
        let applied = block_in_place(|| apply.output().unwrap());
        assert!(applied.status.success(), "{applied:?}");
    }

    /// A carrier.
    pub fn carrier(&self, id: &str) -> &CarrierSim {
        if id == PARK { &self.park } else { &self.resend }
    }

    /// A place for a gateway on another server that has this database, with the same media.
    pub fn place_beside(&self, name: &str, server: &PostgresServer) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        let configuration = self.configuration(0, &server.url(&self.name));
        fs::write(folder.join("posthouse.toml"), configuration).unwrap();
        folder
    }

    /// Cuts a node off from the database, or joins it again.
    pub fn cut_from_database(&self, node: usize, is_cut: bool) {
        self.network.as_ref().unwrap().cut_from_database(node, is_cut);
    }

    /// The same from everybody else.
    pub fn cut_from_others(&self, node: usize, is_cut: bool) {
        self.network.as_ref().unwrap().cut_from_others(node, is_cut);
    }

    fn serve(&self, node: usize) -> Program {
        let Member { folder, program, .. } = &self.nodes[node];
        let serve = posthouse_of(program.as_deref(), folder, &["serve", "-c", "posthouse.toml"]);
        Program::spawn(match &self.network {
            Some(network) => network.within(node, &serve),
            None => serve,
        })
    }

    /// Stops a node as an operator does, and starts this program in its place.
    pub fn exchange(&mut self, node: usize, program: Option<PathBuf>) {
        let Gateway { program: old, .. } = self.nodes[node].gateway.take().unwrap();
        self.tell();
        old.signal("TERM");
        let ended = block_in_place(|| old.ended());
        no_panic(&ended.stderr);
        assert!(ended.status.success(), "{ended:#?}");
        self.nodes[node].program = program;
        self.start(node);
    }

    /// Waits till what is provisioned is in force on all nodes.
    pub async fn all_know(&self) {
        let store = self.visit().await;
        let revision = store.revision().await.unwrap();
        until("all nodes know what is provisioned", async || {
            let known = self.known(&*store).await;
            known.len() >= self.nodes.len() && known.iter().all(|node| node.revision >= revision)
        })
        .await;
        store.close().await.unwrap();
    }

    /// Tells everybody where the nodes are.
    pub fn tell(&self) {
        let there = || self.nodes.iter().filter_map(|member| member.gateway.as_ref());
        self.submits.know(there().map(|gateway| authority(&gateway.mm7)).collect());
        self.reports.know(there().map(|gateway| authority(&gateway.carriers)).collect());
        let Some(any) = there().next() else { return };
        for (id, carrier) in [(PARK, &self.park), (RESEND, &self.resend)] {
            carrier.set_reports(Some(self.reports.url(&any.carriers).replace("{carrier}", id)));
        }
    }

    /// Where VASPs submit, whatever nodes there are.
    pub fn door(&self) -> String {
        let any = self.nodes.iter().find_map(|member| member.gateway.as_ref()).unwrap();
        self.submits.url(&any.mm7)
    }

    /// Clients begin to send.
    pub fn load(&self, plan: LoadPlan) -> Arc<Load> {
        Load::start(plan, &self.door())
    }

    /// A node, which runs.
    pub fn gateway(&self, node: usize) -> &Gateway {
        self.nodes[node].gateway.as_ref().unwrap()
    }

    /// kill -9 of a node. Where it was is not told: those who ask it find nobody.
    pub fn kill(&mut self, node: usize) {
        let Gateway { program, .. } = self.nodes[node].gateway.take().unwrap();
        program.signal("KILL");
        let ended = block_in_place(|| program.ended());
        no_panic(&ended.stderr);
        self.tell();
    }

    /// Starts a node in the place of one that is gone.
    pub fn start(&mut self, node: usize) {
        let program = self.serve(node);
        self.nodes[node].gateway = Some(block_in_place(|| Gateway::ready(program)));
        self.tell();
    }

    /// A look into the store.
    pub async fn visit(&self) -> Arc<dyn Store> {
        let url = StoreUrl::postgres(&self.url(), None).unwrap().without_standbys();
        open(&url, &self.media(), Access::Visit { create: false }).await.unwrap()
    }

    /// The gateways that the store knows of.
    pub async fn known(&self, store: &dyn Store) -> Vec<Node> {
        let nodes = store.nodes().await.unwrap();
        nodes.into_iter().filter(|node| node.kind == NodeKind::Gateway).collect()
    }

    /// The status of a node's `/readyz`.
    pub async fn readiness(&self, node: usize) -> u16 {
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let admin = authority(&self.gateway(node).admin);
        let answer = exchange(admin, request, DEADLINE).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Waits till `/readyz` of all nodes says this.
    pub async fn all_say(&self, status: u16) {
        for node in (0..self.nodes.len()).filter(|node| self.nodes[*node].gateway.is_some()) {
            until(&format!("/readyz says {status}"), async || self.readiness(node).await == status).await;
        }
    }

    /// Stops all nodes, as an operator does.
    pub fn close(&mut self) {
        for member in &mut self.nodes {
            let Some(Gateway { program, .. }) = member.gateway.take() else { continue };
            program.signal("TERM");
            let ended = block_in_place(|| program.ended());
            no_panic(&ended.stderr);
            assert!(ended.status.success(), "{ended:#?}");
        }
    }
}

/// Of a test that fails, what the nodes that still run complained of.
impl Drop for ClusterTown {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for member in &mut self.nodes {
            let Some(Gateway { program, .. }) = member.gateway.take() else { continue };
            program.signal("KILL");
            let said = program.ended().stderr;
            let said = said
                .iter()
                .filter(|line| ["WARN", "ERROR", "panicked"].iter().any(|what| line.contains(what)));
            for line in said.take(COMPLAINTS) {
                println!("{}: {line}", member.folder.display());
            }
        }
    }
}

/// A program of Posthouse, the tested one where none is named, to be run in this folder.
fn posthouse_of(program: Option<&Path>, folder: &Path, arguments: &[&str]) -> Command {
    let tested = process::posthouse(folder, arguments);
    let Some(program) = program else { return tested };
    let mut other = Command::new(program);
    other.args(arguments).current_dir(folder).env("POSTHOUSE_LOG", "info");
    other
}

fn no_panic(said: &[String]) {
    let panics: Vec<&String> = said.iter().filter(|line| line.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

/// Waits till something holds.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(2 * DEADLINE, what, holds).await;
}

/// The same for what may take so long.
pub async fn until_within(time: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = timeout(time, async {
        while !holds().await {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waiting.await.is_ok(), "{what}: not within {time:?}");
}
