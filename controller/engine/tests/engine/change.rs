//! Another registry while steps run.

use tokio::sync::mpsc::unbounded_channel;
use xos_engine::{Registry, RegistryChange};

use crate::support::*;

/// Returns a step that takes so long, and records its calls under a name.
fn step(name: &'static str, takes: u64, calls: &Arc<Mutex<Vec<String>>>) -> Steps {
    Steps::new().sync_step(Named { name, takes: Duration::from_secs(takes), calls: Arc::clone(calls) })
}

struct Named {
    name: &'static str,
    takes: Duration,
    calls: Arc<Mutex<Vec<String>>>,
}

impl SyncStep for Named {
    type Model = Object;

    fn name(&self) -> &str {
        self.name
    }

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(format!("{} begins {}", self.name, o.meta.name));
        tokio::time::sleep(self.takes).await;
        self.calls.lock().unwrap().push(format!("{} ends {}", self.name, o.meta.name));
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_step_begins_when_the_one_before_has_ended() {
    let calls = Arc::new(Mutex::new(vec![]));
    let run = Running::start_with(Arc::clone(&calls), &step("old", 10, &calls));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    let registry = Arc::new(Registry::new("me", &models(), &step("new", 1, &calls)).unwrap());
    let (done, mut changed) = unbounded_channel();
    run.world.api.ask_for(RegistryChange { registry, dependencies: vec![], done });
    run.pass(1.0).await;
    run.world.put(object("bob"));
    run.pass(1.0).await;
    assert!(changed.try_recv().is_err(), "the change waits");
    assert_eq!(run.calls(), ["old begins ann"], "objects of the model rest");
    changed.recv().await.unwrap().unwrap();
    assert_eq!(run.calls()[..2], ["old begins ann", "old ends ann"]);
    run.pass(2.0).await;
    assert_eq!(run.calls()[2..], ["new begins bob", "new ends bob"], "what was put aside, and nothing else");
    assert_eq!(run.code("ann"), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_the_second_follows_the_first() {
    let calls = Arc::new(Mutex::new(vec![]));
    let run = Running::start_with(Arc::clone(&calls), &step("old", 10, &calls));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    let (done, mut changed) = unbounded_channel();
    for name in ["second", "third"] {
        let registry = Arc::new(Registry::new("me", &models(), &step(name, 1, &calls)).unwrap());
        run.world.api.ask_for(RegistryChange { registry, dependencies: vec![], done: done.clone() });
    }
    changed.recv().await.unwrap().unwrap();
    changed.recv().await.unwrap().unwrap();
    run.world.put(object("bob"));
    run.pass(2.0).await;
    assert_eq!(run.calls()[2..], ["third begins bob", "third ends bob"]);
}
