//! What the demo plays on: a gateway, two carriers and a VASP, on free ports and a temporary folder.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use mm7::mime::Media;
use posthouse_api::TokenRequest;
use posthouse_core::{actor::Actor, life::retry::Backoff, store::Store};
use posthouse_gateway::{
    admin::tokens,
    app::{App, Components, Ready},
    config::{ConfigFile, Settings, apply},
};
use posthouse_sim::{
    CarrierOptions, CarrierSim, Mm7Answer, ReceivedCallback, Submit, VaspOptions, VaspSim, http::Client,
    media, submit,
};
use tempfile::TempDir;

use super::lives::Life;

/// The arguments of `posthouse send` for the demo's first account.
pub const SEND_ARGUMENTS: &str = "--vaspid acme-api-key --vasid 61295 --from 111122";

const PHOTO: &[u8] = include_bytes!("../../../assets/post-house.jpg");
const CARRIERS: [&str; 2] = ["31002", "31003"];
/// How long the simulated carriers wait before each report.
const REPORT_DELAY: Duration = Duration::from_millis(150);
/// The demo does not wait minutes for a busy carrier.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(300), Duration::from_secs(2));

/// Everything that runs.
pub struct Stage {
    folder: TempDir,
    app: App,
    carriers: Vec<(&'static str, CarrierSim)>,
    vasp: VaspSim,
    client: Client,
}

impl Stage {
    /// Starts everything and provisions it, as `posthouse apply` would.
    pub async fn set() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("posthouse-demo-").tempdir()?;
        let settings = settings(&folder)?;
        let app = App::start(&settings, Components { backoff: BACKOFF, ..Components::default() }).await?;
        let mut carriers = Vec::new();
        for id in CARRIERS {
            let door = app.ready().carriers.replace("{carrier}", id);
            let options =
                CarrierOptions { reports: Some(door), report_delay: REPORT_DELAY, ..CarrierOptions::new(id) };
            carriers.push((id, CarrierSim::start(options).await?));
        }
        let vasp = VaspSim::start(VaspOptions::default()).await?;
        let stage = Self { folder, app, carriers, vasp, client: Client::new(Duration::from_secs(10)) };
        stage.provision().await?;
        Ok(stage)
    }

    async fn provision(&self) -> anyhow::Result<()> {
        let file = "the demo's provisioning".to_owned();
        let document = ConfigFile { file, text: self.provisioning(), folder: PathBuf::new() };
        let applied =
            apply(&**self.app.store(), &document, &|_| None, false, &Actor::gateway(), Timestamp::now())
                .await?;
        self.app.provisioned(applied.revision).await;
        Ok(())
    }

    fn provisioning(&self) -> String {
        let account = |name: &str, vaspid: &str, more: &str| {
            format!(
                "[[account]]\nname = {name:?}\nvaspid = {vaspid:?}\n{more}\
                 [account.callbacks]\nreport_url = \"{}/reports\"\nretry_after = \"1s\"\n\
                 [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\ndefault = true\n",
                self.vasp.url()
            )
        };
        let carrier = |(id, carrier): &(&str, CarrierSim)| {
            format!(
                "[[carrier]]\nid = {id:?}\nname = \"Simulated carrier {id}\"\n\
                 [[carrier.connection]]\nname = \"sim-{id}\"\nurl = {:?}\nvaspid = \"posthouse\"\nvasid = \"gw\"\n",
                carrier.url()
            )
        };
        let [first, second] = CARRIERS;
        [
            account("acme", super::lives::ACME, ""),
            account("slow", super::lives::SLOW, "throughput = { per_second = 1, burst = 1 }\n"),
            self.carriers.iter().map(carrier).collect(),
            format!("[[range]]\nprefix = \"1508\"\ncarrier = {first:?}\n[[range]]\nprefix = \"1617\"\ncarrier = {second:?}\n"),
            "[[blacklist]]\nnumber = \"16175550199\"\n".to_owned(),
        ]
        .concat()
    }

    /// Submits a life's message.
    pub async fn submit(&self, life: &Life) -> anyhow::Result<Mm7Answer> {
        let request = Submit {
            vaspid: Some(life.vaspid.to_owned()),
            vasid: Some("61295".to_owned()),
            subject: Some(life.subject.to_owned()),
            text: Some(format!("{}. Greetings from the post house.", life.title)),
            media: vec![photo()],
            ..Submit::new(&self.gateway().mm7, "111122", life.to)
        };
        submit(&self.client, &request).await.context("the gateway did not answer")
    }

    /// Where the gateway is.
    pub fn gateway(&self) -> &Ready {
        self.app.ready()
    }

    /// A token for the web UI, of this role. It ends with the store.
    pub async fn token(&self, name: &str, role: &str) -> anyhow::Result<String> {
        let request = TokenRequest { name: name.to_owned(), role: role.to_owned(), expires_at: None };
        let by = Actor::gateway();
        let made = tokens::add::add(&**self.app.store(), &request, &by, Timestamp::now()).await?;
        Ok(made.token)
    }

    /// The gateway's store, for timelines.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.app.store()
    }

    /// The carriers, by id, and where they are.
    pub fn carriers(&self) -> impl Iterator<Item = (&str, String)> {
        self.carriers.iter().map(|(id, carrier)| (*id, carrier.url()))
    }

    /// Where the VASP takes reports.
    pub fn vasp_url(&self) -> String {
        self.vasp.url()
    }

    /// The reports that the VASP got on a message, oldest first.
    pub fn reports_on(&self, message_id: &str) -> Vec<Arc<ReceivedCallback>> {
        self.vasp.callbacks().into_iter().filter(|callback| callback.reports_on(message_id)).collect()
    }

    /// How many SubmitReq reached the carriers.
    pub fn submits_at_carriers(&self) -> u64 {
        self.carriers.iter().map(|(_, carrier)| carrier.received()).sum()
    }

    /// How many reports reached the VASP.
    pub fn reports_at_vasp(&self) -> u64 {
        self.vasp.received()
    }

    /// Stops everything and removes the folder.
    pub async fn clear(self) -> anyhow::Result<()> {
        self.app.stop().await?;
        for (_, carrier) in self.carriers {
            carrier.stop().await;
        }
        self.vasp.stop().await;
        self.folder.close().context("the temporary folder could not be removed")
    }
}

fn photo() -> Media {
    media::part("post-house.jpg", PHOTO)
}

fn settings(folder: &TempDir) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    settings.store.path = folder.path().join("posthouse.db");
    settings.media.place = folder.path().join("media").into();
    let free_port = "127.0.0.1:0".parse()?;
    settings.mm7.listen = free_port;
    settings.carriers.listen = free_port;
    settings.admin.listen = free_port;
    Ok(settings)
}
