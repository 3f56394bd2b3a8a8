//! Lists of numbers in CSV.

use jiff::Timestamp;
use posthouse_api::NumbersImported;
use posthouse_core::provisioning::{csv::NumberList, words::OneOfWords as _};
use posthouse_gateway::admin::numbers::{export, import};

use super::{Via, of_verb, told};

impl Via {
    /// Adds lines of a list, the first of which has the number `first`; or only reads them.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn import_numbers(
        &self,
        list: NumberList,
        lines: &str,
        first: usize,
        dry_run: bool,
    ) -> anyhow::Result<NumbersImported> {
        match self {
            Self::Gateway(api) => {
                api.import_numbers(list.word(), lines.to_owned(), first, dry_run).await.map_err(told)
            }
            Self::Store(store, by) => {
                let now = Timestamp::now();
                of_verb(import::import(&**store, list, (lines, first), dry_run, by, now).await)
            }
        }
    }

    /// A part of a list, and what leads to the next one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn export_numbers(
        &self,
        list: NumberList,
        part: Option<&str>,
    ) -> anyhow::Result<(String, Option<String>)> {
        match self {
            Self::Gateway(api) => api.export_numbers(list.word(), part).await.map_err(told),
            Self::Store(store, _) => of_verb(export::export(&**store, list, part).await),
        }
    }
}
