//! Writes of status that took effect although their answer was lost, and such that did not.

use std::sync::OnceLock;

use xos_engine::memory::Fault;

use crate::support::*;

const TAKES: Duration = Duration::from_millis(10);

/// Runs a step whose status writes fail so, one after the other. Returns the calls after a minute, and the object.
async fn calls(faults: Vec<Fault>, outcome: fn(usize) -> Result<(), StepError>) -> (Vec<String>, Object) {
    let world: Arc<OnceLock<World>> = Arc::default();
    let faults = Mutex::new(faults.into_iter());
    let seen = Arc::clone(&world);
    let run = Running::start_slow(TAKES, move |_, _, call| {
        // The finalizers are there by now: the next write is that of status.
        let fault = faults.lock().unwrap().next();
        fault.into_iter().for_each(|fault| seen.get().unwrap().api.inject(fault));
        outcome(call)
    });
    assert!(world.set(run.world.clone()).is_ok());
    run.world.put(object("ann"));
    run.pass(60.0).await;
    (run.calls(), run.world.get("ann").unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_status_says_is_not_done_again() {
    let (calls, o) = calls(vec![Fault::LostAnswer], |_| Ok(())).await;
    assert_eq!(calls, ["sync ann"]);
    assert_eq!(o.fields["backend_code"], json!(1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_status_tells_is_tried_again_when_it_says() {
    let fails_once = |call| if call == 1 { Err(StepError::failed("boom")) } else { Ok(()) };
    let (calls, o) = calls(vec![Fault::LostAnswer, Fault::LostAnswer], fails_once).await;
    assert_eq!(calls, ["sync ann", "sync ann"]);
    assert_eq!(o.status.history.iter().map(|line| line.outcome.as_str()).collect::<Vec<_>>(), ["Succeeded", "Failed"]);
}

#[tokio::test(start_paused = true)]
async fn what_status_does_not_say_is_done_again() {
    let (calls, o) = calls(vec![Fault::Unavailable("not now".to_owned())], |_| Ok(())).await;
    assert_eq!(calls, ["sync ann", "sync ann"]);
    assert_eq!(o.fields["backend_code"], json!(1));
}
