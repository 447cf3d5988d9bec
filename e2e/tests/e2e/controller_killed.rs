//! A controller that is killed and started again finishes all work, and does not repeat work that was done.

use rustix::process::Signal;
use serde_json::{Value, json};
use xos_harness::{
    eventually,
    example::{SOON, person},
    process,
};

use crate::with_example;

#[tokio::test]
async fn what_happened_meanwhile_is_caught_up() {
    with_example("meanwhile", async |example| {
        example.apply("ada", "Ada", "Byron").await.unwrap();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("ada").await.unwrap();
        example.people.ready("grace").await.unwrap();

        example.synchronizer.kill().await.unwrap();
        example.patch("ada", &json!({"lastName": "Lovelace"})).await.unwrap();
        example.delete("grace").await.unwrap();
        example.apply("alan", "Alan", "Turing").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Ada Byron", "Grace Hopper"]);

        example.synchronizer = example.launch.start().unwrap();
        example.people.ready("ada").await.unwrap();
        example.people.ready("alan").await.unwrap();
        example.people.gone("grace").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace", "Alan Turing"]);
        // Nothing was running when it was killed, so nothing had to be done twice.
        assert_eq!(example.final_writes().await.unwrap(), (4, 1));
    })
    .await;
}

#[tokio::test]
async fn killed_at_work_it_does_a_thing_at_most_once_more() {
    const PEOPLE: usize = 40;
    with_example("at-work", async |example| {
        let names: Vec<String> = (0..PEOPLE).map(|number| format!("p{number}")).collect();
        let people: Vec<Value> = names.iter().map(|name| person(name, "Somebody", name)).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": people});
        // Killed when some people are done, some are not, and some maybe half.
        let at_work = eventually(SOON, "some of them done", async || match example.full_names().await {
            Ok(names) if names.len() > PEOPLE / 4 => Ok(()),
            Ok(names) => Err(format!("{} done", names.len())),
            Err(error) => Err(error.to_string()),
        });
        let manifest = list.to_string();
        let (applied, killed) = tokio::join!(example.namespace.apply(&manifest), async {
            at_work.await.unwrap();
            process::signal(example.synchronizer.id().unwrap(), Signal::KILL)
        });
        applied.unwrap();
        killed.unwrap();
        assert!(!example.synchronizer.wait().await.unwrap().success());
        example.synchronizer = example.launch.start().unwrap();
        for name in &names {
            example.people.ready(name).await.unwrap();
        }
        assert_eq!(example.full_names().await.unwrap().len(), PEOPLE);
        example.synchronizer.stop().await.unwrap();
        let stats = example.directory.stats().await.unwrap();
        assert!(stats.puts.values().all(|count| (1..=2).contains(count)), "{stats:?}");
    })
    .await;
}
