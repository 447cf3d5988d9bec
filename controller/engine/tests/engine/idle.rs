//! Objects that no synchronizer has anything to do with.

use std::sync::Arc;

use tokio::sync::watch;
use xos_engine::installation::{HandledKind, Installation, InstallationSpec, Installations};
use xos_model::condition::find;

use crate::support::{Running, object};

fn reason(run: &Running, name: &str) -> Option<String> {
    let object = run.world.get(name).unwrap();
    find(&object.status.conditions, "Ready").map(|ready| ready.reason.clone())
}

/// Another synchronizer, that has a step for the kind, or only holds its objects for what cascades.
fn other(only_links: bool) -> Installations {
    let kind = HandledKind {
        group: "example.xos.opencord.org".to_owned(),
        resource: "mymodels".to_owned(),
        kind: "MyModel".to_owned(),
        finalizers: vec![],
        finalizers_at_creation: false,
        only_links,
    };
    let spec = InstallationSpec { synchronizer: "other".to_owned(), namespaces: vec![], kinds: vec![kind] };
    Installations(vec![Installation { spec, run: None }])
}

#[tokio::test(start_paused = true)]
async fn they_are_told_so_once_it_is_known_that_nobody_is_to_come() {
    let (tell, known) = watch::channel(None);
    let run = Running::start_among(known);
    run.world.put(object("ann"));
    run.pass(10.0).await;
    assert_eq!(reason(&run, "ann"), None, "what is not known is not told");
    tell.send(Some(Arc::new(other(false)))).unwrap();
    run.pass(10.0).await;
    assert_eq!(reason(&run, "ann"), None, "the other one is to come");
    tell.send(Some(Arc::new(other(true)))).unwrap();
    run.pass(10.0).await;
    assert_eq!(reason(&run, "ann").as_deref(), Some("NothingToDo"));
    run.pass(3600.0).await;
    let writes = run.world.writes();
    assert_eq!(writes.iter().filter(|write| *write == "status ann").count(), 1, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_say_so_nothing_is_said_and_nothing_is_tried_again() {
    let (_tell, known) = watch::channel(Some(Arc::new(Installations::default())));
    let run = Running::start_among(known);
    run.world.refuse_with("mymodels/status is forbidden");
    run.world.put(object("ann"));
    run.pass(10.0).await;
    run.world.put(object("bob"));
    run.pass(3600.0).await;
    assert_eq!((reason(&run, "ann"), reason(&run, "bob")), (None, None));
    assert_eq!(run.world.writes(), Vec::<String>::new());
}
