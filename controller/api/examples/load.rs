//! What calls of XOS's API cost, with many objects: over the loopback, with the objects in memory and no API server.
//!
//! `cargo run --release -p xos-api --example load -- [OBJECTS]`, by default 100,000. Prints a table for docs/benchmarks.md.

#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use xos_api::ids::{Sequences, SharedIds};
use xos_api::{Caller, Core, CoreOptions, Gate, Server, hash};
use xos_grpc::client::{Filter, Kind, Operator};
use xos_grpc::{Client, Connection, Record, Saving};
use xos_model::Object;
use xos_testing::{Cluster, TestClock, World};

const MODELS: &str = r#"
option app_label = "load";
option name = "load";
message Rack (XOSBase) { required string name = 1 [max_length = 32, unique = True]; }
message Node (XOSBase) {
    required string name = 1 [max_length = 32, unique = True];
    required manytoone rack->Rack:nodes = 2:1001;
    optional int32 size = 3;
    optional string serial = 4 [max_length = 64];
}
"#;

/// How many objects a rack has.
const PER_RACK: usize = 1000;
/// How many calls are made for a figure.
const CALLS: usize = 2000;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn fill(world: &World, objects: usize) {
    for rack in 0..objects.div_ceil(PER_RACK) {
        let mut object = Object::named("Rack", "default", &format!("r{rack}"));
        object.set("name", json!(format!("r{rack}")));
        object.status.id = i32::try_from(rack + 1).ok();
        if let Some(made) = world.api().apply(&object) {
            world.api().replace_status(&made.key(), &Object { status: object.status.clone(), ..made.clone() });
        }
    }
    for node in 0..objects {
        let mut object = Object::named("Node", "default", &format!("n{node}"));
        object.set("name", json!(format!("n{node}")));
        object.set("rack", json!({"name": format!("r{}", node / PER_RACK)}));
        object.set("size", json!(node % 100));
        object.set("serial", json!(format!("serial number {node}")));
        object.status.id = i32::try_from(node + 1).ok();
        if let Some(made) = world.api().apply(&object) {
            world.api().replace_status(&made.key(), &Object { status: object.status.clone(), ..made.clone() });
        }
    }
}

/// Calls again and again, and prints the median, the 99th percentile, and calls in a second.
async fn measure<F: Future<Output = Result<()>> + Send + 'static>(
    what: &str,
    clients: usize,
    calls: usize,
    call: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    let begin = Instant::now();
    for client in 0..clients {
        let call = call.clone();
        tasks.spawn(async move {
            let mut took = vec![];
            for at in 0..calls / clients {
                let begin = Instant::now();
                call(at * clients + client).await?;
                took.push(begin.elapsed());
            }
            Result::Ok(took)
        });
    }
    let mut took: Vec<Duration> = vec![];
    while let Some(done) = tasks.join_next().await {
        took.extend(done??);
    }
    let whole = begin.elapsed();
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "it is shown")]
    let rate = took.len() as f64 / whole.as_secs_f64();
    println!("| {what} | {clients} | {:.2?} | {:.2?} | {rate:.0} |", at(50), at(99));
    Ok(())
}

fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

#[tokio::main]
async fn main() -> Result<()> {
    let objects: usize = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let clock = TestClock::default();
    let cluster = Cluster::new(&clock);
    let mut world = World::of(&[("load.xproto", MODELS)]).clock(&clock).start()?;
    let ids = SharedIds::default();
    world.observe(Arc::new(ids.clone()));
    fill(&world, objects);
    world.settle().await;
    let sequences = Arc::new(Sequences::new(cluster.client(), "default"));
    let core = Core::new(world.store(), ids, sequences, CoreOptions { namespace: "default".to_owned() });
    let gate = Gate::of(&format!("ada:{}", hash("ada", "letmein")?))?;
    let server = Server::listen("127.0.0.1:0".parse()?, None).await?;
    let address = format!("http://{}", server.address());
    tokio::spawn(server.run((core.clone(), gate, None), CancellationToken::new()));
    let client = Client::connect(Connection::to(&address).user("ada", "letmein")?).await?;

    println!("{objects} objects, {:?} MiB resident\n", resident_mib().unwrap_or_default());
    println!("| call | clients | median | p99 | calls/s |\n|---|---|---|---|---|");
    let begin = Instant::now();
    let bytes = core.list(&Caller { is_administrator: true, ..Caller::default() }, "Node")?.len();
    println!("| list of all, in the process ({} MiB) | 1 | {:.2?} | | |", bytes >> 20, begin.elapsed());
    let begin = Instant::now();
    let all = client.list("Node").await?.len();
    println!("| list of all {all}, by a client | 1 | {:.2?} | | |", begin.elapsed());
    for clients in [1, 32] {
        let one = client.clone();
        let get = move |at: usize| {
            let one = one.clone();
            async move {
                one.get("Node", i32::try_from(at % objects + 1)?).await?;
                Ok(())
            }
        };
        measure("get", clients, CALLS * clients.min(8), get).await?;
        let one = client.clone();
        let by_key = move |at: usize| {
            let one = one.clone();
            let filter = Filter::all().and("name", Operator::Equal, format!("n{}", at % objects));
            async move {
                one.filter("Node", &filter).await?;
                Ok(())
            }
        };
        measure("filter by a key", clients, CALLS, by_key).await?;
        let one = client.clone();
        let update = move |at: usize| {
            let one = one.clone();
            let record = Record::of("Node").with("id", i32::try_from(at % objects + 1).unwrap_or(1)).with("size", 101);
            async move {
                one.update(&record, &Saving::all()).await?;
                Ok(())
            }
        };
        measure("update", clients, CALLS, update).await?;
        let one = client.clone();
        let create = move |at: usize| {
            let one = one.clone();
            let name = format!("new-{clients}-{at}");
            let record = Record::of("Node").with("name", name).with("rack_id", 1);
            async move {
                one.create(&record).await?;
                Ok(())
            }
        };
        measure("create", clients, CALLS, create).await?;
    }
    let one = client.clone();
    let leaving = move |_: usize| {
        let one = one.clone();
        async move {
            one.filter("Node", &Filter::of(Kind::SynchronizerDeletedObjects)).await?;
            Ok(())
        }
    };
    measure("filter by being deleted: none", 1, CALLS, leaving).await?;
    println!("\n{:?} MiB resident", resident_mib().unwrap_or_default());
    Ok(())
}
