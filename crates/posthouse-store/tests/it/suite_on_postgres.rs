//! The conformance suite on PostgreSQL, of two versions.

use crate::pg_place::PgPlace;

posthouse_store::conformance!(match PgPlace::new(module_path!().ends_with("durability")) {
    Some(place) => place,
    None => return,
});

mod on_18 {
    use super::PgPlace;

    posthouse_store::conformance!(match PgPlace::on_18(module_path!().ends_with("durability")) {
        Some(place) => place,
        None => return,
    });
}
