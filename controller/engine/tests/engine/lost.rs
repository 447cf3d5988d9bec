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

/// A step that makes `b`, linked to `a`, when it sees `a`. The object is made, but neither the answer nor a watch says
/// so.
struct MakesOne(Arc<OnceLock<World>>);

impl SyncStep for MakesOne {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        if o.meta.name == "a" {
            let mut made = object("b");
            made.set("boss", json!({"name": "a"}));
            let api = &self.0.get().unwrap().api;
            api.put_unseen(made.clone());
            api.inject(Fault::Unavailable("not now".to_owned()));
            made.meta.uid.clear();
            ctx.save(&mut made).await?;
        }
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_without_an_answer_goes_with_what_it_leads_to() {
    let world: Arc<OnceLock<World>> = Arc::default();
    let run = Running::start_with(Arc::default(), &Steps::new().sync_step(MakesOne(Arc::clone(&world))));
    assert!(world.set(run.world.clone()).is_ok());
    run.world.put(object("a"));
    run.pass(0.2).await;
    assert!(find(&run.world.get("a").unwrap().status.conditions, "Ready").unwrap().message.contains("not now"));
    run.world.delete("a");
    run.pass(60.0).await;
    assert!(run.world.get("a").is_none());
    assert!(run.world.get("b").is_none(), "nobody would take it along any more");
}

/// A step that finds what it saves in `seen` saved already, as by an earlier call whose answer was lost, and then asks
/// what is known of it.
struct SavesAgain(Arc<OnceLock<World>>, Arc<Mutex<Vec<String>>>);

impl SyncStep for SavesAgain {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let world = self.0.get().unwrap();
        let mut saved = world.get("a").unwrap();
        saved.set("seen", json!("by all"));
        world.api.put_unseen(saved);
        o.set("seen", json!("by all"));
        ctx.save(o).await?;
        let known: Option<Object> = ctx.models_of("MyModel").named("a")?;
        self.1.lock().unwrap().push(format!("seen {}", known.unwrap().text("seen").unwrap_or("by nobody")));
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_save_finds_saved_already_is_seen_by_all() {
    let world: Arc<OnceLock<World>> = Arc::default();
    let calls = Arc::default();
    let step = SavesAgain(Arc::clone(&world), Arc::clone(&calls));
    let run = Running::start_with(calls, &Steps::new().sync_step(step));
    assert!(world.set(run.world.clone()).is_ok());
    run.world.put(object("a"));
    run.pass(60.0).await;
    assert_eq!(run.calls(), ["seen by all"]);
}
