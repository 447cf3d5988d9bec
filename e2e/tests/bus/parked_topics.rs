//! The topics of parked events: made with the partitions and sizes of their source, and kept for ever.

use jiff::{SignedDuration, Timestamp};
use xos_bus::ParkedEvents;
use xos_bus::parked::{ParkedEvent, Selection};
use xos_harness::kafka::{Kafka, Sent};
use xos_steps::StepError;

use crate::{Noting, Running, settings, unique};

/// A step that can handle nothing.
fn failing(topic: &str) -> Noting {
    Noting::on("Step", &[topic]).doing(|_| async { Err(StepError::failed("no such device")) })
}

async fn parked(settings: &xos_bus::Settings, name: &str) -> Vec<ParkedEvent> {
    let reader = ParkedEvents::new(settings, name).unwrap();
    tokio::task::spawn_blocking(move || reader.list(&Selection::default())).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_event_of_any_partition_is_parked_for_ever() {
    let kafka = Kafka::shared().await.unwrap();
    let (topic, name) = (unique("old"), unique("sync"));
    let client = kafka.client();
    client.create_topic(&topic, 2).await.unwrap();
    let now = Timestamp::now();
    let old = now.checked_sub(SignedDuration::from_hours(24 * 30)).unwrap().as_millisecond();
    let soon = now.checked_add(SignedDuration::from_mins(50)).unwrap().as_millisecond();
    for (partition, timestamp) in [(0, old), (1, soon)] {
        let sent =
            Sent { partition: Some(partition), key: "k", value: b"{", timestamp: Some(timestamp), ..Sent::default() };
        client.send_one(&topic, &sent).await.unwrap();
    }
    let settings = settings(kafka.endpoint());
    let running = Running::start(&settings, &name, &[&failing(&topic)]);
    running.until("both parked", |state| state.parked == 2).await;
    let parked_in = format!("{topic}.{name}.parked");
    let kept = client.topic_settings(&parked_in).await.unwrap();
    let source = client.topic_settings(&topic).await.unwrap();
    let size =
        |settings: &std::collections::HashMap<String, String>| settings["max.message.bytes"].parse::<usize>().unwrap();
    assert_eq!((kept["retention.ms"].as_str(), kept["retention.bytes"].as_str()), ("-1", "-1"));
    assert_eq!((kept["cleanup.policy"].as_str(), size(&kept)), ("delete", size(&source) + (64 << 10)));
    let all = parked(&settings, &name).await;
    let places: Vec<_> =
        all.iter().map(|one| (one.event.partition, one.event.timestamp.unwrap().as_millisecond())).collect();
    assert_eq!(places, [(0, old), (1, soon)]);
    assert_eq!(all[1].parked_in, format!("{parked_in}/1/0"), "each in the partition that it came from");

    // Partitions that the source gets later.
    client.grow_topic(&topic, 3).await.unwrap();
    let sent = Sent { partition: Some(2), key: "k", value: b"{", ..Sent::default() };
    client.send_one(&topic, &sent).await.unwrap();
    running.until("three parked", |state| state.parked == 3).await;
    running.stop().await;
    let all = parked(&settings, &name).await;
    assert_eq!(all[2].parked_in, format!("{parked_in}/2/0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_source_takes_can_be_parked() {
    let kafka = Kafka::shared().await.unwrap();
    // As long as names of topics may be.
    let topic = unique(&"t".repeat(230));
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic_with(&topic, 1, &[("max.message.bytes", "3000000")]).await.unwrap();
    let random: Vec<u8> = (0..2_999_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    // What is larger than its topic takes, without compression.
    let zeros = vec![b'0'; 20_000_000];
    for (key, value) in [("large", random.as_slice()), ("zeros", zeros.as_slice())] {
        client.send_one(&topic, &Sent { key, value, ..Sent::default() }).await.unwrap();
    }
    let long = "no such device ".repeat(40_000);
    let step = Noting::on("Step", &[&topic]).doing(move |_| {
        let long = long.clone();
        async move { Err(StepError::failed(long)) }
    });
    let settings = settings(kafka.endpoint());
    let running = Running::start(&settings, &name, &[&step]);
    running.until("both parked", |state| state.parked == 2).await;
    running.stop().await;
    let all = parked(&settings, &name).await;
    assert_eq!(
        all.iter().map(|one| one.event.value.as_ref().unwrap().len()).collect::<Vec<_>>(),
        [2_999_000, 20_000_000]
    );
    assert!(all[0].event.value.as_deref() == Some(&random[..]) && all[0].reason.len() == 1024);
    assert_eq!(&*all[0].event.topic, topic);
    assert_eq!(all[0].parked_in.split('/').next().unwrap().len(), 249);
}
