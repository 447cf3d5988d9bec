//! Commits: made by a thread of their own, one after the other, so that neither the consumer thread nor a worker waits
//! for the broker, and a commit never overtakes another.
//!
//! What was refused is asked for again, with growing delay, and told.

mod pace;
mod thread;

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::topic_partition::TopicPartition;

pub(crate) use thread::{Committing, Found, Read};

use pace::{Pace, Told};

/// What is committed of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) partition: TopicPartition,
    /// All events before this offset are done.
    pub(crate) offset: i64,
    /// A text that the broker keeps with the offset: at most 4,096 bytes, by the broker's default.
    pub(crate) metadata: String,
}

/// What the broker has of a partition when it is assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The committed offset, if there is one.
    pub(crate) offset: Option<i64>,
    /// The text that was committed with it.
    pub(crate) metadata: String,
}

/// Why offsets are not committed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CommitError {
    /// The broker refuses, or does not answer.
    #[error("the offsets cannot be committed: {0}")]
    Refused(String),
    /// The consumer has ended.
    #[error("the consumer has ended")]
    Ended,
}

/// What the committing thread is asked for.
pub(crate) enum Request {
    /// To commit these offsets.
    Commit(Vec<Commit>, Reply),
    /// To commit what is done of these partitions before they are given away.
    Last(Vec<TopicPartition>, Reply),
    /// To read what is committed of these partitions.
    Read(Vec<TopicPartition>, oneshot::Sender<Read>),
    /// To end.
    Stop,
}

/// Tells whether offsets are committed.
pub(crate) type Reply = oneshot::Sender<Result<(), CommitError>>;

/// The way to the committing thread. It exists before the thread does.
pub(crate) struct Committer {
    requests: Sender<Request>,
    /// For the thread, once.
    receiver: Mutex<Option<Receiver<Request>>>,
}

impl Committer {
    /// Returns a way to a thread that is not started yet.
    pub(crate) fn new() -> Self {
        let (requests, receiver) = channel();
        Self { requests, receiver: Mutex::new(Some(receiver)) }
    }

    /// Commits offsets, and waits until the broker has them. There is one attempt: the caller decides what a refusal
    /// means.
    pub(crate) async fn commit(&self, commits: Vec<Commit>) -> Result<(), CommitError> {
        self.ask(|reply| Request::Commit(commits, reply)).await.unwrap_or(Err(CommitError::Ended))
    }

    /// Has the last offsets of partitions committed before they are given away.
    pub(crate) fn last(&self, partitions: Vec<TopicPartition>) -> oneshot::Receiver<Result<(), CommitError>> {
        self.ask(|reply| Request::Last(partitions, reply))
    }

    /// Has offsets committed that were skipped. Nobody waits for it.
    pub(crate) fn skip(&self, commits: Vec<Commit>) {
        drop(self.ask(|reply| Request::Commit(commits, reply)));
    }

    /// Has the committed offsets of partitions read.
    pub(crate) fn read(&self, partitions: Vec<TopicPartition>) -> oneshot::Receiver<Read> {
        self.ask(|reply| Request::Read(partitions, reply))
    }

    /// Ends the thread after the requests so far.
    pub(crate) fn stop(&self) {
        self.send(Request::Stop);
    }

    /// Returns the requests, for the thread; `None` if it was started already.
    pub(crate) fn take_receiver(&self) -> Option<Receiver<Request>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply));
        answer
    }

    /// Sends a request. If the thread has ended its reply is dropped with it.
    fn send(&self, request: Request) {
        let _ended = self.requests.send(request);
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Committer")
    }
}
