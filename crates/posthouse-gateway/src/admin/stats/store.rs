//! `GET /api/v1/stats/store`: how large the store is, and whether there is room for more.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use axum::extract::State;
use http::Uri;
use posthouse_api::{StoreView, VolumeView};
use posthouse_store::LOW_WATER_BYTES;
use tokio::task::spawn_blocking;

use super::super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer},
    metrics::{disks, size},
    query::Parameters,
};

/// How large the store is, and whether there is room for more
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/stats/store", tag = "stats", operation_id = "get_store",
    responses((status = 200, description = "How it is at this moment", body = StoreView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<StoreView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (database, media) = (state.database.clone(), state.media.clone());
    let looked_at = spawn_blocking(move || (disks(&database, media.as_deref()), size(&database)));
    let (disks, database_bytes) = looked_at.await.unwrap_or_default();
    let shed = state.metrics.shedding().into_iter().filter(|(_, sheds)| *sheds);
    let volumes: Vec<VolumeView> = disks
        .into_iter()
        .map(|(name, free_bytes)| VolumeView { name: name.to_owned(), free_bytes })
        .collect();
    let shedding: Vec<String> = shed.map(|(why, _)| why.to_owned()).collect();
    let mut says = says(&volumes, &shedding, LOW_WATER_BYTES);
    says.extend(of_records(state.cdr.as_deref(), state.metrics.cdr().is_failing.load(Ordering::Relaxed)));
    Ok(JsonAnswer(StoreView {
        says,
        database_bytes,
        volumes,
        low_water_bytes: LOW_WATER_BYTES,
        writes_waiting: state.store.statistics().queued,
        shedding,
    }))
}

/// What is out of the ordinary.
fn says(volumes: &[VolumeView], shedding: &[String], low_water: u64) -> Vec<String> {
    let of_shedding = shedding.iter().map(|why| match why.as_str() {
        "space" => "New messages are answered 3510: there is too little free space.".to_owned(),
        _ => "New messages are answered 3510: the store has more to write than it may hold.".to_owned(),
    });
    let is_low = |volume: &&VolumeView| volume.free_bytes < low_water.saturating_mul(2);
    let of_volumes = volumes.iter().filter(is_low).map(|volume| {
        format!(
            "The volume of the {} has {} MiB left; below {} MiB nothing is accepted.",
            volume.name,
            volume.free_bytes >> 20,
            low_water >> 20
        )
    });
    of_shedding.chain(of_volumes).collect()
}

/// That records of what ended cannot be written where they belong.
fn of_records(folder: Option<&Path>, is_failing: bool) -> Option<String> {
    let folder = folder.filter(|_| is_failing)?.display();
    Some(format!(
        "CDR files cannot be written into {folder}: the store keeps the records till they can; make room there, or mend the folder."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_wait_are_told_with_the_folder() {
        let folder = Path::new("/cdr");
        let told = "CDR files cannot be written into /cdr: the store keeps the records till they can; make room there, or mend the folder.";
        assert_eq!(of_records(Some(folder), true).as_deref(), Some(told));
        assert_eq!([of_records(Some(folder), false), of_records(None, true)], [None, None]);
    }

    #[test]
    fn a_disk_that_gets_full_is_told_before_it_is() {
        let volume = |name: &str, mib: u64| VolumeView { name: name.to_owned(), free_bytes: mib << 20 };
        let volumes = [volume("database", 128), volume("media", 127)];
        assert_eq!(
            says(&volumes, &["space".to_owned()], 64 << 20),
            [
                "New messages are answered 3510: there is too little free space.",
                "The volume of the media has 127 MiB left; below 64 MiB nothing is accepted."
            ]
        );
        assert!(says(&volumes[..1], &[], 64 << 20).is_empty());
    }
}
