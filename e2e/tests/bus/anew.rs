//! A topic that is deleted and created again: all of the new one is received, from its first message.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use xos_harness::kafka::{Broker, Client, Kafka};

use crate::{Noting, Running, committed, distinct, numbered, settings, unique};

/// Well before a consumer that receives nothing is restarted for that.
const SOON: Duration = Duration::from_secs(30);

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn each_replica_receives_all_of_it_also_where_its_leaders_were_elected_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path()).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("epochs");
    client.create_topic(&topic, 4).await.unwrap();
    // Each start of the broker is another epoch of its partitions.
    for _ in 0..2 {
        broker.stop().await.unwrap();
        broker.start_again().await.unwrap();
    }
    let mut settings = settings(&broker.endpoint());
    // As it is for users: they do not see that there is no topic in between.
    settings.properties.remove("topic.metadata.refresh.interval.ms");
    assert!(settings.stalled_after > SOON);
    let step = Noting::on("Step", &[&topic]);
    let replicas = [(); 2].map(|()| Running::start(&settings, "sync", &[&step]));
    for replica in &replicas {
        replica.until("its share", |state| state.partitions == 2).await;
    }
    let all = numbered(40, 600);
    client.send(&topic, &all[..100]).await.unwrap();
    step.notes.count(100).await;
    // The second one is idle for both: nobody has anything to commit.
    for (from, to) in [(100, 300), (300, 600)] {
        for replica in &replicas {
            replica.until("nothing to do", |state| state.lag == 0 && state.held == 0).await;
        }
        client.delete_topic(&topic).await.unwrap();
        client.create_topic(&topic, 4).await.unwrap();
        let created = Instant::now();
        client.send(&topic, &all[from..to]).await.unwrap();
        step.notes.until("the new ones", |notes| distinct(notes).len() == to).await;
        let took = created.elapsed();
        println!("all of the new topic was handled after {took:?}");
        assert!(took < SOON, "{took:?}");
        for replica in &replicas {
            replica.until("its share again", |state| state.partitions == 2).await;
        }
    }
    let told = replicas.iter().filter(|one| one.events.has("a topic was deleted and created again: epochs")).count();
    assert!(told > 0, "with other clients, which know no epochs");
    for replica in replicas {
        replica.stop().await;
    }
    broker.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_hand_of_the_old_topic_takes_nothing_from_the_new_one() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let (topic, name) = (unique("in-hand"), unique("sync"));
    client.create_topic(&topic, 1).await.unwrap();
    let (gate, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let step = Noting::on("Step", &[&topic]).doing({
        let (gate, waiting) = (Arc::clone(&gate), Arc::clone(&waiting));
        move |event| {
            let (gate, waiting) = (Arc::clone(&gate), Arc::clone(&waiting));
            async move {
                if event.text()?.starts_with("slow") {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    drop(gate.acquire().await);
                }
                Ok(())
            }
        }
    });
    let mut settings = settings(kafka.endpoint());
    settings.properties.remove("topic.metadata.refresh.interval.ms");
    let running = Running::start(&settings, &name, &[&step]);
    let all = numbered(5, 120);
    client.send(&topic, &all[..50]).await.unwrap();
    step.notes.count(50).await;
    let slow: Vec<_> = (0..5).map(|n| (format!("s{n}"), format!("slow:{n}"))).collect();
    client.send(&topic, &slow).await.unwrap();
    running.until("them in hand", |_| waiting.load(Ordering::SeqCst) == 5).await;
    client.delete_topic(&topic).await.unwrap();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &all[50..]).await.unwrap();
    gate.add_permits(100);
    let is_new = |note: &&String| !note.starts_with("slow");
    step.notes
        .until("the new ones", |notes| distinct(&notes.iter().filter(is_new).cloned().collect::<Vec<_>>()).len() == 120)
        .await;
    running.until("no lag", |state| state.lag == 0 && state.partitions == 1).await;
    running.stop().await;
    committed(&client, &format!("{name}.Step"), &topic, &[Some(70)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_was_committed_of_the_old_topic_is_not_that_of_the_new_one() {
    let kafka = Kafka::shared().await.unwrap();
    let client = kafka.client();
    let (topic, name) = (unique("late"), unique("sync"));
    let group = format!("{name}.Step");
    client.create_topic(&topic, 1).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let settings = settings(kafka.endpoint());
    let running = Running::start(&settings, &name, &[&step]);
    let all = numbered(5, 120);
    client.send(&topic, &all[..50]).await.unwrap();
    step.notes.count(50).await;
    running.stop().await;
    let notes = client.committed_notes(&group, &topic).unwrap();
    client.delete_topic(&topic).await.unwrap();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &all[50..]).await.unwrap();
    committed(&client, &group, &topic, &[None]).await;
    // By a process that stood still meanwhile.
    client.commit(&group, &topic, &[(50, &notes[0])]).unwrap();
    let running = Running::start(&settings, &name, &[&step]);
    step.notes.until("the new ones", |notes| distinct(notes).len() == 120).await;
    running.stop().await;
    committed(&client, &group, &topic, &[Some(70)]).await;
    // A restart goes on from there.
    let running = Running::start(&settings, &name, &[&step]);
    client.send(&topic, &[("k".to_owned(), "last".to_owned())]).await.unwrap();
    step.notes.until("the last one", |notes| notes.iter().any(|note| note == "last")).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 121, "each once");
}
