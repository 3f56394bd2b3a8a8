//! The ceiling: a bare HTTP server that reads the same bodies and answers as many bytes, in a process of its own as the gateway
//! is in one.

use std::{
    convert::Infallible,
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use mm7::{
    Framing, Message, MessageId, Namespace, StatusCode, TransactionId, Version,
    message::{Status, SubmitRsp},
};
use tokio::net::{TcpListener, TcpStream};

use crate::{print, wait::wait_for};

/// The arguments of `posthouse bench-ceiling`: none.
#[derive(clap::Args)]
pub struct Args {}

/// Prints where it listens, and serves till stdin ends: it does not outlive the bench that started it.
pub fn run(_: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        announce(listener.local_addr()?)?;
        let over = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            served = serve(listener) => served?,
            _ = over => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn announce(address: SocketAddr) -> io::Result<()> {
    writeln!(print::stdout(), "{address}")
}

async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let answer = Bytes::from(usual_answer().context("the usual answer cannot be written")?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, answer.clone()));
    }
}

async fn serve_connection(stream: TcpStream, answer: Bytes) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer.clone();
        async move {
            // A body that breaks off gets no answer.
            let _ = request.into_body().collect().await;
            let mut response = Response::new(Full::new(answer));
            let content_type = HeaderValue::from_static("text/xml; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            Ok::<_, Infallible>(response)
        }
    });
    // A peer that hangs up is done.
    let _ = stream.set_nodelay(true);
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What a gateway answers to a SubmitReq that it accepts: the same elements, so the same number of bytes.
fn usual_answer() -> Option<Vec<u8>> {
    let transaction_id = TransactionId::new("bench-00000000-0000000000000000").ok()?;
    let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, Some(transaction_id));
    let message_id = MessageId::new("191234567890123456").ok();
    let status = Status::from(StatusCode::Success);
    Some(mm7::encode(&Message::SubmitRsp(SubmitRsp { status, message_id }), &framing))
}
