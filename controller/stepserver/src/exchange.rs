//! The messages of a call.

use std::time::Duration;

use futures::SinkExt as _;
use futures::channel::mpsc::{Sender, channel};
use xos_steps::StepError;

use crate::access::Access;
use crate::call::{Call, Subject};
use crate::connection::Connection;
use crate::convert::fields;
use crate::outcome::{CallError, is_broken, of_result, of_status};
use crate::v1::from_controller::Message as ToServer;
use crate::v1::from_server::Message as OfServer;
use crate::v1::{FromController, FromServer, Result as CallResult, Stop};

/// How many answers may be under way. A server that does not read them gets no more.
const UNDER_WAY: usize = 4;
/// How long to wait, after the result, for the end of the stream.
const END: Duration = Duration::from_secs(1);

/// Makes the call: answers what the server asks, until it has a result.
pub(crate) async fn exchange(
    server: &str,
    connection: &Connection,
    call: Call<'_>,
    subject: Subject<'_>,
) -> Result<(), StepError> {
    let mut access = Access::new(call.ctx, subject.object());
    let (sender, receiver) = channel(UNDER_WAY);
    let begin = call.first(&subject)?;
    let talk = async {
        send(&mut sender.clone(), ToServer::Begin(begin)).await;
        let opened = call.open(connection, receiver).await?;
        let mut stream = opened.into_inner();
        while let Some(FromServer { message }) = stream.message().await? {
            match message {
                Some(OfServer::Request(request)) => {
                    let answer = access.answer(request).await;
                    send(&mut sender.clone(), ToServer::Answer(answer)).await;
                }
                Some(OfServer::Result(result)) => {
                    // Else the server sees the call as cancelled.
                    sender.clone().close_channel();
                    let _ = tokio::time::timeout(END, stream.message()).await;
                    return Ok(Some(result));
                }
                // A message that is not known here needs no answer.
                None => {}
            }
        }
        Ok(None)
    };
    let stop = async {
        call.ctx.cancellation().cancelled().await;
        send(&mut sender.clone(), ToServer::Stop(Stop {})).await;
        std::future::pending::<()>().await;
    };
    let talked: Result<Option<CallResult>, tonic::Status> = tokio::select! {
        talked = talk => talked,
        () = stop => Ok(None),
    };
    match talked {
        Ok(Some(result)) => finish(server, &result, access, subject).await,
        Ok(None) => Err(CallError::NoResult(server.to_owned()).into()),
        Err(status) => {
            if is_broken(&status) {
                connection.lose();
            }
            Err(of_status(server, &status, call.timeout))
        }
    }
}

/// Sends a message. If nobody takes it any more, the stream from the server says why.
async fn send(sender: &mut Sender<FromController>, message: ToServer) {
    let _ = sender.send(FromController { message: Some(message) }).await;
}

/// Puts what the step has changed into its object.
async fn finish(
    server: &str,
    result: &CallResult,
    mut access: Access<'_>,
    subject: Subject<'_>,
) -> Result<(), StepError> {
    if let Subject::Object(object) = subject {
        let changed = fields("changed", &result.changed)
            .map_err(|source| CallError::Result { server: server.to_owned(), source })?;
        access.finish(object, changed).await?;
    }
    of_result(server, result, &mut access.errors)
}
