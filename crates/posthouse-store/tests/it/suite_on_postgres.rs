//! The conformance suite on PostgreSQL.

use crate::pg_place::PgPlace;

posthouse_store::conformance!(match PgPlace::new(module_path!().ends_with("durability")) {
    Some(place) => place,
    None => return,
});
