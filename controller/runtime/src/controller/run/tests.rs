use std::future::pending;

use super::*;

fn a_watch_that_ends() -> Ended {
    let (ended, receiver) = mpsc::unbounded_channel();
    ended.send(None).unwrap();
    receiver
}

#[tokio::test]
async fn a_watch_that_ends_is_an_error() {
    let ended = until_done(pending(), a_watch_that_ends(), &CancellationToken::new()).await;
    assert!(matches!(ended, Err(ControllerError::WatchEnded(None))), "{ended:?}");
}

#[tokio::test]
async fn a_watch_that_ends_after_the_stop_is_no_error() {
    let stop = CancellationToken::new();
    stop.cancel();
    // The engine reads no watch any more, and an event step still has its grace period.
    let running = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    let ended = until_done(running, a_watch_that_ends(), &stop).await;
    assert!(ended.is_ok(), "{ended:?}");
}
