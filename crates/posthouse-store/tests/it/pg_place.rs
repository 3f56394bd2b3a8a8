//! A database in which a store can be, and what can happen to it.

use std::path::PathBuf;

use async_trait::async_trait;
use posthouse_core::store::Store;
use posthouse_store::{
    postgres::{PostgresOptions, PostgresStore},
    sqlite::Mode,
    suite::{Backend, postgres_server::PostgresServer},
};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

/// A database of a server, with a folder for media.
pub struct PgPlace {
    server: Server,
    database: OnceCell<String>,
    media: TempDir,
}

enum Server {
    /// That of all tests of this process.
    Shared(&'static PostgresServer),
    /// One that the test may stop.
    Own(Mutex<PostgresServer>),
}

impl PgPlace {
    /// An empty one; `None` where there is no PostgreSQL. A test that cuts the power has a server of its own.
    pub fn new(cuts_power: bool) -> Option<Self> {
        let server = match cuts_power {
            true => Server::Own(Mutex::new(PostgresServer::start(&[])?)),
            false => Server::Shared(PostgresServer::shared()?),
        };
        Some(Self::of(server))
    }

    /// The same on PostgreSQL 18.
    pub fn on_18(cuts_power: bool) -> Option<Self> {
        let server = match cuts_power {
            true => Server::Own(Mutex::new(PostgresServer::start_18(&[])?)),
            false => Server::Shared(PostgresServer::shared_18()?),
        };
        Some(Self::of(server))
    }

    fn of(server: Server) -> Self {
        Self { server, database: OnceCell::new(), media: tempfile::tempdir().unwrap() }
    }

    /// The folder of its media.
    pub fn media(&self) -> PathBuf {
        self.media.path().join("media")
    }

    /// A connection to its database.
    pub async fn client(&self) -> tokio_postgres::Client {
        let url = self.options().await.url;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn make(&self) -> String {
        match &self.server {
            Server::Shared(server) => server.make_store().await,
            Server::Own(server) => server.lock().await.make_store().await,
        }
    }

    /// How the store is opened.
    pub async fn options(&self) -> PostgresOptions {
        let database = self.database.get_or_init(|| self.make()).await;
        let url = match &self.server {
            Server::Shared(server) => server.url(database),
            Server::Own(server) => server.lock().await.url(database),
        };
        PostgresOptions {
            url,
            media: self.media().into(),
            mode: Mode::Serve,
            create: true,
            require_standbys: false,
            is_moving: false,
        }
    }

    /// Opens the store.
    pub async fn open_store(&self) -> PostgresStore {
        PostgresStore::open(self.options().await).await.unwrap()
    }
}

impl Drop for PgPlace {
    fn drop(&mut self) {
        if let (Server::Shared(server), Some(database)) = (&self.server, self.database.get()) {
            server.drop_database(database);
        }
    }
}

#[async_trait]
impl Backend for PgPlace {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.open_store().await)
    }

    async fn second_node(&self) -> Option<Box<dyn Store>> {
        Some(self.open().await)
    }

    async fn after_power_cut(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        let Server::Own(server) = &self.server else {
            panic!("a test that cuts the power needs a server of its own")
        };
        let mut server = server.lock().await;
        server.kill();
        drop(store);
        server.go_on();
        drop(server);
        self.open().await
    }
}
