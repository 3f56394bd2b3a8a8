//! Values on their way into statements: one by one from an operation, and many together as arrays from a batch.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use posthouse_core::{Id, account::AccountName, carrier::CarrierId, store::Owner};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// What kind of value a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `int8`.
    Int,
    /// `text`.
    Text,
    /// `bytea`.
    Bytes,
    /// `bool`.
    Bool,
}

impl Kind {
    /// The type of one.
    pub(super) const fn one(self) -> Type {
        match self {
            Self::Int => Type::INT8,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
            Self::Bool => Type::BOOL,
        }
    }

    /// The type of many.
    pub(super) const fn many(self) -> Type {
        match self {
            Self::Int => Type::INT8_ARRAY,
            Self::Text => Type::TEXT_ARRAY,
            Self::Bytes => Type::BYTEA_ARRAY,
            Self::Bool => Type::BOOL_ARRAY,
        }
    }
}

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PgValue {
    /// A number, a time, an id.
    Int(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Bytes>),
    /// Yes or no.
    Bool(bool),
}

impl ToSql for PgValue {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.as_deref().to_sql(ty, out),
            Self::Bool(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Kind::Int, Kind::Text, Kind::Bytes, Kind::Bool].iter().any(|kind| kind.one() == *ty)
    }

    to_sql_checked!();
}

impl From<i64> for PgValue {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for PgValue {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u8> for PgValue {
    fn from(value: u8) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<u16> for PgValue {
    fn from(value: u16) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<u32> for PgValue {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<usize> for PgValue {
    fn from(value: usize) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<Id> for PgValue {
    fn from(id: Id) -> Self {
        id.number().into()
    }
}

impl From<Owner> for PgValue {
    fn from(owner: Owner) -> Self {
        owner.0.into()
    }
}

impl From<Option<Owner>> for PgValue {
    fn from(owner: Option<Owner>) -> Self {
        Self::Int(owner.map(|owner| owner.0))
    }
}

impl From<Timestamp> for PgValue {
    fn from(time: Timestamp) -> Self {
        time.as_millisecond().into()
    }
}

impl From<Option<Timestamp>> for PgValue {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Int(time.map(Timestamp::as_millisecond))
    }
}

impl From<bool> for PgValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Postgres has no texts with a zero character in them: another one stands for it.
fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

impl From<&str> for PgValue {
    fn from(value: &str) -> Self {
        Self::Text(Some(text(value)))
    }
}

impl From<&String> for PgValue {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Option<&str>> for PgValue {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(text))
    }
}

impl From<&AccountName> for PgValue {
    fn from(name: &AccountName) -> Self {
        Self::from(&name.0)
    }
}

impl From<&CarrierId> for PgValue {
    fn from(id: &CarrierId) -> Self {
        Self::from(id.as_str())
    }
}

impl From<Bytes> for PgValue {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<Option<Bytes>> for PgValue {
    fn from(bytes: Option<Bytes>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for PgValue {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(Bytes::copy_from_slice(bytes)))
    }
}

/// The values of a statement, in the order of its parameters.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::postgres::value::PgValue::from($value)),*] };
}

/// The same, where they are only lent.
macro_rules! parameters {
    ($($value:expr),* $(,)?) => { [$($crate::postgres::value::PgValue::from($value)),*] };
}

pub(super) use {parameters, values};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_zero_in_it() {
        assert_eq!(PgValue::from("a\0b"), PgValue::Text(Some("a\u{fffd}b".to_owned())));
    }
}
