//! A message from a handset: DeliverReq to the gateway's door.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use mm7::{
    Message, ValueError,
    message::{Content, DeliverReq, Recipient},
    mime::{ContentType, Media, content_href},
};
use serde::Deserialize;

use crate::{
    carrier::{desk::Desk, reports::DoorError},
    submit::address,
    wire::{self, Mm7Answer},
};

/// A message from a handset; as JSON the body of `POST /sim/deliver`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandsetMessage {
    /// The handset's number.
    pub from: String,
    /// The short code, or number, of a service.
    pub to: String,
    /// Subject.
    #[serde(default)]
    pub subject: Option<String>,
    /// What it holds, in order.
    #[serde(default)]
    pub parts: Vec<MoPart>,
}

/// One part: with a text or, in base64, bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoPart {
    /// The media type, with its parameters.
    pub content_type: String,
    /// The content as text.
    #[serde(default)]
    pub text: Option<String>,
    /// The content in base64.
    #[serde(default)]
    pub base64: Option<String>,
    /// Content-ID.
    #[serde(default)]
    pub id: Option<String>,
    /// The file name.
    #[serde(default)]
    pub name: Option<String>,
}

/// Why a message from a handset was not sent, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum MoError {
    /// A part has a media type that is none.
    #[error("the content_type {content_type:?} cannot be read")]
    ContentType {
        /// The type as it was given.
        content_type: String,
        /// What is wrong with it.
        source: ValueError,
    },
    /// A part has neither text nor base64, or both.
    #[error("a part needs either \"text\" or \"base64\"")]
    TextOrBase64,
    /// What should be base64 is not.
    #[error("the base64 of a part cannot be read")]
    Base64(#[source] base64::DecodeError),
    /// Not sent, or not answered.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// Sends a message under a LinkedID of its own.
pub(super) async fn deliver(desk: &Desk, message: &HandsetMessage) -> Result<Mm7Answer, MoError> {
    let media = message.parts.iter().map(media).collect::<Result<Vec<_>, _>>()?;
    let content = content_href(&media).map(|href| Content { href: Some(href), allow_adaptations: None });
    let request = DeliverReq {
        relay_server_id: Some(desk.options.carrier_id.clone()),
        linked_id: desk.new_message_id(),
        sender: Some(address(&message.from)),
        recipients: vec![Recipient::to(address(&message.to))],
        time_stamp: Some(wire::now()),
        subject: message.subject.clone(),
        content,
        ..DeliverReq::default()
    };
    Ok(desk.reports.post(&Message::DeliverReq(request), &media).await?)
}

fn media(part: &MoPart) -> Result<Media, MoError> {
    let content_type = ContentType::parse(&part.content_type)
        .map_err(|source| MoError::ContentType { content_type: part.content_type.clone(), source })?;
    let bytes = match (&part.text, &part.base64) {
        (Some(text), None) => Bytes::from(text.clone()),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).map_err(MoError::Base64)?.into(),
        _ => return Err(MoError::TextOrBase64),
    };
    Ok(Media {
        content_type,
        content_id: part.id.clone(),
        content_location: None,
        name: part.name.clone(),
        bytes,
    })
}
