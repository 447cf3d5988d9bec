//! A world with its API, and clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;
use xos_api::ids::{Sequences, SharedIds};
use xos_api::{Core, CoreOptions, Gate, Server, hash};
use xos_grpc::{Client, Connection, Record};
use xos_model::{Object, ObjectKey};
use xos_steps::{StepContext, StepError, SyncStep};
use xos_testing::{Cluster, TestClock, World};

const MODELS: &str = r#"
option app_label = "t";
option name = "t";
message Site (XOSBase) {
    required string name = 1 [max_length = 32, unique = True];
    optional string url = 2 [max_length = 64, content_type = "url"];
    optional int32 size = 3 [min_value = 1, default = 5];
    optional string password = 4 [max_length = 32, secret = True];
}
message Node (XOSBase) {
    required string name = 1 [max_length = 32, content_type = "stripped"];
    required manytoone site->Site:nodes = 2:1001;
    optional string seen = 3 [max_length = 32, feedback_state = True];
    optional manytomany tags->Tag:nodes = 4:1002;
    optional bool big = 5;
    optional string since = 6 [content_type = "date"];
}
message Switch (Node) { optional int32 ports = 1; }
message Tag (XOSBase) { optional string value = 1 [max_length = 32]; }
"#;

/// Counts its calls.
struct SyncNode(Arc<AtomicUsize>);

impl SyncStep for SyncNode {
    type Model = Object;

    fn observes(&self) -> &str {
        "Node"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        o.set("seen", "yes".into());
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// A world whose API is served.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) cluster: Cluster,
    pub(crate) ids: SharedIds,
    calls: Arc<AtomicUsize>,
    address: String,
    _stop: tokio_util::sync::DropGuard,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::of(MODELS, &[("ada", "")]).await
    }

    /// Serves other models, to users who have the same password, with what is behind their hashes.
    pub(crate) async fn of(models: &str, users: &[(&str, &str)]) -> Self {
        let clock = TestClock::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let cluster = Cluster::new(&clock);
        let world = World::of(&[("t.xproto", models)]).clock(&clock);
        let has_nodes = models.contains("message Node ");
        let world = if has_nodes { world.sync_step(SyncNode(Arc::clone(&calls))) } else { world }.start().unwrap();
        let ids = SharedIds::default();
        world.observe(Arc::new(ids.clone()));
        let sequences = Arc::new(Sequences::new(cluster.client(), "default"));
        let options = CoreOptions { namespace: "default".to_owned() };
        let core = Core::new(world.store(), ids.clone(), sequences, options);
        let lines = users.iter().map(|(name, more)| format!("{name}:{}{more}\n", hash(name, "letmein").unwrap()));
        let gate = Gate::of(&lines.collect::<String>()).unwrap();
        let server = Server::listen("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
        let address = format!("http://{}", server.address());
        let stop = CancellationToken::new();
        tokio::spawn(server.run((core, gate, None), stop.clone()));
        Self { world, cluster, ids, calls, address, _stop: stop.drop_guard() }
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::to(&self.address)
    }

    /// Returns the client of an operator.
    pub(crate) async fn operator(&self) -> Client {
        self.client("ada").await
    }

    /// Returns the client of a user.
    pub(crate) async fn client(&self, user: &str) -> Client {
        Client::connect(self.connection().user(user, "letmein").unwrap()).await.unwrap()
    }

    /// Returns the client of a synchronizer.
    pub(crate) async fn synchronizer(&self) -> Client {
        let connection = self.connection().user("ada", "letmein").unwrap().synchronizer().unwrap();
        Client::connect(connection).await.unwrap()
    }

    /// Lets the controller work, and returns how often the step was called.
    pub(crate) async fn settle(&mut self) -> usize {
        self.world.settle().await;
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// Returns an object as kubectl shows it.
    pub(crate) fn shown(&self, model: &str, name: &str) -> Option<Object> {
        self.world.api().get(&ObjectKey::new(model, "default", name))
    }
}

/// Makes a Site and a Node in it.
pub(crate) async fn site_and_node(client: &Client) -> (Record, Record) {
    let site = client.create(&Record::of("Site").with("name", "rome")).await.unwrap();
    let node = client.create(&Record::of("Node").with("name", "n1").with("site_id", site.id())).await.unwrap();
    (site, node)
}
