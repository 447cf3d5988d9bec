//! Messages only: rates, lag, memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{Consumer as _, StreamConsumer},
};
use tokio::sync::Semaphore;
use xos_harness::{kafka::Kafka, wait::eventually};

use super::{
    Error, print,
    step::{Measured, Running},
};

const ROUNDS: usize = 3;
const PARTITIONS: i32 = 4;

fn numbered(count: usize) -> Vec<(String, String)> {
    let body = "x".repeat(80);
    (0..count).map(|n| (format!("k{}", n % 1000), format!("{n} {body}"))).collect()
}

/// Measures messages a second through a step that does nothing, compared with a bare consumer.
pub(super) async fn rate(kafka: &Kafka, count: usize) -> Result<(), Error> {
    kafka.client().create_topic("rate", PARTITIONS).await?;
    kafka.client().send("rate", &numbered(count)).await?;
    let mut bare = vec![];
    let mut ours = vec![];
    for round in 0..ROUNDS {
        bare.push(bare_rate(kafka, count, round).await?);
        let step = Measured::on("rate");
        // Made before the time is taken: its HTTP client reads the system's certificates.
        let services = Arc::default();
        let start = Instant::now();
        let running = Running::with_services(kafka, &format!("rate-{round}"), &step, services)?;
        step.count.until(count).await?;
        ours.push(per_second(count, start.elapsed()));
        running.stop().await;
    }
    let bare = median(bare);
    let ours = median(ours);
    print("a bare rdkafka consumer", &format!("{bare:.0} messages/s"), "");
    print("a step that does nothing", &format!("{ours:.0} messages/s"), "");
    print("… of the bare consumer", &format!("{:.2}", ours / bare), "≥ 0.7");
    Ok(())
}

async fn bare_rate(kafka: &Kafka, count: usize, round: usize) -> Result<f64, Error> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.endpoint()).set("group.id", format!("bare-{round}"));
    config.set("auto.offset.reset", "earliest").set("enable.auto.commit", "true");
    // Our setting. With librdkafka's default, 1 s, the consumer would pause most of the time once its queue is full.
    config.set("fetch.queue.backoff.ms", "10");
    let start = Instant::now();
    let consumer: StreamConsumer = config.create()?;
    consumer.subscribe(&["rate"])?;
    for _ in 0..count {
        consumer.recv().await?;
    }
    Ok(per_second(count, start.elapsed()))
}

/// Measures messages a second through a step that waits, as for an answer, compared with as many tasks that only wait.
pub(super) async fn waiting(kafka: &Kafka) -> Result<(), Error> {
    const COUNT: usize = 20_000;
    const AT_ONCE: usize = 16;
    kafka.client().create_topic("waiting", PARTITIONS).await?;
    kafka.client().send("waiting", &numbered(COUNT)).await?;
    for millis in [1, 5] {
        let waits = Duration::from_millis(millis);
        let name = format!("waiting-{millis}");
        let count = COUNT / usize::try_from(millis).unwrap_or(1);
        let started = Instant::now();
        let each = (0..AT_ONCE).map(async |_| {
            for _ in 0..count / AT_ONCE {
                tokio::time::sleep(waits).await;
            }
        });
        futures::future::join_all(each).await;
        let most = per_second(count, started.elapsed());
        let step = Measured { waits: Some(waits), ..Measured::on("waiting") };
        let running = Running::start(kafka, &name, &step)?;
        step.count.until(1).await?;
        let started = Instant::now();
        step.count.until(count).await?;
        let ours = per_second(count, started.elapsed());
        running.stop().await;
        print(&format!("a step that waits {millis} ms, 16 at once"), &format!("{ours:.0} messages/s"), "");
        print("… of what 16 can do", &format!("{:.2}", ours / most), "");
    }
    Ok(())
}

/// Measures the time from sending a message to its step, on an idle bus.
pub(super) async fn lag(kafka: &Kafka) -> Result<(), Error> {
    const COUNT: usize = 300;
    kafka.client().create_topic("lag", 1).await?;
    let times = Arc::new(Mutex::new(vec![]));
    let step = Measured { times: Some(Arc::clone(&times)), ..Measured::on("lag") };
    let running = Running::start(kafka, "lag", &step)?;
    let producer: rdkafka::producer::FutureProducer =
        ClientConfig::new().set("bootstrap.servers", kafka.endpoint()).set("linger.ms", "0").create()?;
    let mut sent = vec![];
    for number in 0..COUNT {
        let text = number.to_string();
        sent.push(Instant::now());
        let record = rdkafka::producer::FutureRecord::to("lag").key("k").payload(&text);
        producer.send(record, rdkafka::util::Timeout::Never).await.map_err(|(error, _)| error)?;
        step.count.until(number + 1).await?;
    }
    running.stop().await;
    let times = times.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut lags: Vec<f64> =
        times.iter().filter_map(|(n, at)| Some(at.duration_since(*sent.get(*n)?).as_secs_f64() * 1000.0)).collect();
    // The first messages wait until the consumer group has formed.
    lags.drain(..10.min(lags.len()));
    lags.sort_by(f64::total_cmp);
    let at = |part: usize| lags.get(lags.len() * part / 100).copied().unwrap_or_default();
    print("from sending to the step, idle bus, median", &format!("{:.1} ms", at(50)), "");
    print("… p99", &format!("{:.1} ms", at(99)), "≤ 50 ms");
    Ok(())
}

/// Measures memory while very many messages are handled.
pub(super) async fn memory_through(kafka: &Kafka, count: usize) -> Result<(f64, f64), Error> {
    kafka.client().create_topic("many", PARTITIONS).await?;
    const PART: usize = 100_000;
    for part in 0..count.div_ceil(PART) {
        let size = PART.min(count - part * PART);
        kafka.client().send("many", &numbered(size)).await?;
    }
    let step = Measured::on("many");
    let running = Running::start(kafka, "many", &step)?;
    step.count.until(count / 5).await?;
    let early = super::memory()?;
    step.count.until(count).await?;
    let late = super::memory()?;
    running.stop().await;
    Ok((early, late))
}

pub(super) async fn memory(kafka: &Kafka, count: usize) -> Result<(), Error> {
    let (early, late) = memory_through(kafka, count).await?;
    print(
        &format!("memory after a fifth of {count} messages, and after all"),
        &format!("{early:.0} and {late:.0} MiB"),
        "flat",
    );
    Ok(())
}

/// Measures memory with a backlog that a slow step leaves on the broker.
pub(super) async fn backlog(kafka: &Kafka) -> Result<(), Error> {
    const COUNT: usize = 10_000;
    kafka.client().create_topic("backlog", PARTITIONS).await?;
    kafka.client().send("backlog", &numbered(COUNT)).await?;
    let before = super::memory()?;
    let step = Measured { gate: Some(Arc::new(Semaphore::new(0))), ..Measured::on("backlog") };
    let running = Running::start(kafka, "backlog", &step)?;
    let paused = || running.states.all().first().map(|state| (state.paused, state.held)).unwrap_or_default();
    let look = async || if paused().0 == 4 { Ok(()) } else { Err(format!("{:?}", running.states.all())) };
    eventually(Duration::from_secs(60), "all partitions paused", look).await?;
    let (_, held) = paused();
    print(&format!("a backlog of {COUNT}, slow step: events held"), &format!("{held}"), "");
    print("… memory for it", &format!("{:.0} MiB", super::memory()? - before), "flat");
    if let Some(gate) = &step.gate {
        gate.add_permits(COUNT);
    }
    step.count.until(COUNT).await?;
    running.stop().await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no count is that large")]
pub(super) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
