//! The conformance suite on SQLite.

mod common;

use async_trait::async_trait;
use posthouse_core::store::Store;
use posthouse_store::suite::Backend;

use self::common::Place;

#[async_trait]
impl Backend for Place {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.open_store().await)
    }

    async fn after_power_cut(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        let image = self.image();
        drop(store);
        self.restore(&image);
        self.open().await
    }
}

posthouse_store::conformance!(Place::new());
