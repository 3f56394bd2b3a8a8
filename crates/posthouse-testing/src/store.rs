//! A look into the store of a gateway that is a process of its own.

use std::{path::Path, sync::Arc};

use posthouse_core::store::Store;
use posthouse_store::{Access, StoreUrl, open};

/// A second connection to the store in the folder of [`TOML`](crate::settings::TOML), beside a gateway or without one.
pub async fn visit(folder: &Path) -> Arc<dyn Store> {
    let data = folder.join("data");
    let url = StoreUrl::sqlite(data.join("posthouse.db"));
    open(&url, &data.join("media").into(), Access::Visit { create: false }).await.expect("the store opens")
}
