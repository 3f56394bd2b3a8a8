//! A provider in the DNS: questions over UDP, and over TCP where a reply does not fit.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use posthouse_core::{address::Msisdn, provisioning::Zone};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    answers::KnownCarrier,
    enum_zone::{is_truncated, question_for, read, replies_to},
    provider::{NumberProvider, ProviderError},
};
use crate::{random, resolver};

/// How often a question goes out, evenly over the time for it: datagrams get lost.
const SENDS: u32 = 3;
/// The longest datagram that is read, in bytes. Servers send less unless more is asked for.
const LONGEST_DATAGRAM: usize = 4096;

/// A server that knows the zone of numbers.
#[derive(Debug)]
pub(super) struct EnumServer {
    zone: Zone,
    send_every: Duration,
}

impl EnumServer {
    /// The server of a zone. An answer may take as long as `timeout`.
    pub fn new(zone: &Zone, timeout: Duration) -> Self {
        Self { zone: zone.clone(), send_every: timeout / SENDS }
    }

    async fn address(&self) -> Result<SocketAddr, ProviderError> {
        let found = resolver::of_peer(self.zone.host(), self.zone.port()).await.map_err(silence)?;
        found.first().copied().ok_or_else(|| ProviderError("the server's name has no address".to_owned()))
    }

    async fn over_udp(&self, server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let any = match server {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        // A port that the system draws; connected, so that only the server is heard.
        let socket = UdpSocket::bind(any).await.map_err(silence)?;
        socket.connect(server).await.map_err(silence)?;
        for _ in 0..SENDS {
            socket.send(question).await.map_err(silence)?;
            if let Ok(reply) = timeout(self.send_every, reply(&socket, question)).await {
                return reply;
            }
        }
        Err(ProviderError(format!("no reply to {SENDS} datagrams")))
    }
}

#[async_trait]
impl NumberProvider for EnumServer {
    async fn ask(&self, number: &Msisdn) -> Result<KnownCarrier, ProviderError> {
        let id = u16::from_ne_bytes(random::bytes().map_err(silence)?);
        let question = question_for(&self.zone, number, id);
        let server = self.address().await?;
        let mut reply = self.over_udp(server, &question).await?;
        if is_truncated(&reply) {
            reply = over_tcp(server, &question).await?;
        }
        read(&reply, &question)
    }
}

/// Waits for the reply, and passes over what else comes.
async fn reply(socket: &UdpSocket, question: &[u8]) -> Result<Vec<u8>, ProviderError> {
    let mut bytes = vec![0; LONGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut bytes).await.map_err(silence)?;
        if let Some(reply) = bytes.get(..length).filter(|reply| replies_to(reply, question)) {
            return Ok(reply.to_vec());
        }
    }
}

/// Each message goes behind its length (RFC 1035 clause 4.2.2), which is 64 KiB at most.
async fn over_tcp(server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, ProviderError> {
    let mut stream = TcpStream::connect(server).await.map_err(silence)?;
    let length = u16::try_from(question.len()).map_err(silence)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await.map_err(silence)?;
    let length = stream.read_u16().await.map_err(silence)?;
    let mut reply = vec![0; length.into()];
    stream.read_exact(&mut reply).await.map_err(silence)?;
    match replies_to(&reply, question) {
        true => Ok(reply),
        false => Err(ProviderError("a reply over TCP to another question".to_owned())),
    }
}

fn silence(error: impl std::fmt::Display) -> ProviderError {
    ProviderError(error.to_string())
}

#[cfg(test)]
mod tests;
