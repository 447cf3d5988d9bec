//! `kubectl xos …`: kubectl finds the program by its name in PATH. What it says is about the objects as they are.

use std::{
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use xos_harness::{
    TestNamespace,
    example::{condition, is_ready},
    inprocess::{Calls, Controller, Objects, Script, Scripted},
    kubectl::{Kubectl, Output},
    namespace, paths,
};
use xos_runtime::Synchronizer;
use xos_steps::StepError;

const MODELS: &str = "option app_label = \"plugin\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }
    message Thing (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone site->Site:things = 2:1001; }";
const THING_A: &str = "things.plugin.xos.opencord.org/a";

/// kubectl with the plugin, for a namespace.
struct Plugin<'a> {
    kubectl: Kubectl,
    namespace: &'a str,
}

impl<'a> Plugin<'a> {
    fn new(namespace: &'a TestNamespace) -> Self {
        let folder = namespace.folder().join("bin");
        std::fs::create_dir(&folder).unwrap();
        for name in ["kubectl-xos", "kubectl_complete-xos"] {
            symlink(paths::program("xos").unwrap(), folder.join(name)).unwrap();
        }
        Self { kubectl: namespace.cluster().kubectl().with_plugins(&folder), namespace: namespace.name() }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.kubectl.run(&[&["xos"], arguments, &["-n", self.namespace]].concat()).await.unwrap()
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{}", output.all());
        output.stdout
    }
}

/// A controller whose step for things fails while `closed`, and is not tried again by itself.
fn start(namespace: &TestNamespace, calls: &Calls, closed: &Arc<AtomicBool>) -> Controller {
    let closed = Arc::clone(closed);
    let script: Script = Arc::new(move |what, _, _| {
        let fails = what == "sync" && closed.load(Ordering::SeqCst);
        Box::pin(async move { if fails { Err(StepError::failed("closed for maintenance")) } else { Ok(()) } })
    });
    let synchronizer = Synchronizer::new("plugin")
        .models(&[("plugin.xproto", MODELS)])
        .sync_step(Scripted::noting("sites", "Site", calls))
        .sync_step(Scripted::doing("things", "Thing", calls, script));
    let backoff = json!({"backoff": {"initial": "10h", "max": "20h", "jitter": 0}});
    Controller::start(namespace, "plugin", synchronizer, &backoff).unwrap()
}

fn reason(object: &Value) -> &Value {
    &condition(object, "Ready")["reason"]
}

#[tokio::test]
async fn kubectl_xos_explains_and_moves_objects() {
    namespace::with("plugin", async |namespace| {
        let (calls, closed) = (Calls::default(), Arc::new(AtomicBool::new(false)));
        let controller = start(namespace, &calls, &closed);
        let objects = Objects::new(namespace, MODELS).unwrap();
        let plugin = Plugin::new(namespace);
        for model in ["Site", "Thing"] {
            objects.served(model).await.unwrap();
        }
        objects.create("Thing", "a", json!({"name": "a", "site": {"name": "rome"}})).await.unwrap();
        objects.until("Thing", "a", "waiting", |o| reason(o) == "WaitingForDependency").await.unwrap();
        tree(&plugin, &objects).await;

        pause(&plugin, &objects).await;
        retry(&plugin, &objects, &closed).await;

        let before = calls.all().len();
        let again = plugin.ok(&["resync", THING_A]).await;
        assert_eq!(again, "thing.plugin.xos.opencord.org/a is synchronized again\n");
        objects.until("Thing", "a", "synchronized again", |o| is_ready(o) && calls.all().len() > before).await.unwrap();
        plugin.ok(&["resync", "thing.plugin.xos.opencord.org", "a", "--every", "off"]).await;
        let annotated = objects.get("Thing", "a").await.unwrap();
        assert_eq!(annotated["metadata"]["annotations"]["xos.opencord.org/resync"], "off");
        controller.stop().await.unwrap();
        let left = plugin.ok(&["uninstall", "plugin"]).await;
        assert!(left.contains("finalizer               sync.xos.opencord.org/plugin on 1 things.plugin"), "{left}");
    })
    .await
    .unwrap();
}

async fn tree(plugin: &Plugin<'_>, objects: &Objects) {
    let text = plugin.ok(&["tree", THING_A]).await;
    let row =
        text.lines().find(|line| line.contains("site: Site rome (waited for)")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("Missing") && row.ends_with("it does not exist"), "{text}");
    objects.create("Site", "rome", json!({"name": "rome"})).await.unwrap();
    objects.ready("Thing", "a").await.unwrap();
    let text = plugin.ok(&["tree", "site.plugin.xos.opencord.org", "rome", "--reverse"]).await;
    let row = text.lines().find(|line| line.contains("site of Thing a")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("True") && row.contains("SyncSucceeded"), "{text}");
    let json: Value = serde_json::from_str(&plugin.ok(&["tree", THING_A, "-o", "json"]).await).unwrap();
    assert_eq!((json["edges"][0]["field"].as_str(), json["nodes"].as_array().unwrap().len()), (Some("site"), 2));
    assert!(plugin.ok(&["tree", THING_A, "-o", "dot"]).await.starts_with("digraph xos {"));
}

async fn pause(plugin: &Plugin<'_>, objects: &Objects) {
    let shown = "thing.plugin.xos.opencord.org/a";
    let paused = plugin.ok(&["pause", THING_A]).await;
    assert_eq!(paused, format!("{shown} paused: spec.noPolicy and spec.noSync set\n"));
    objects.until("Thing", "a", "paused", |o| reason(o) == "NoSync").await.unwrap();
    assert_eq!(plugin.ok(&["pause", THING_A]).await, format!("{shown} is paused already\n"));
    objects.edit("Thing", "a", json!({"name": "b"})).await.unwrap();
    objects.until("Thing", "a", "held", |o| reason(o) == "Held").await.unwrap();
    let why = plugin.ok(&["why", THING_A]).await;
    assert!(why.contains("spec.noSync is set: its sync step does not run until it is cleared"), "{why}");
    let resumed = plugin.ok(&["resume", THING_A]).await;
    assert_eq!(resumed, format!("{shown} resumed: spec.noPolicy and spec.noSync cleared\n"));
    objects.ready("Thing", "a").await.unwrap();
}

async fn retry(plugin: &Plugin<'_>, objects: &Objects, closed: &AtomicBool) {
    let nothing = plugin.ok(&["retry", THING_A]).await;
    assert!(nothing.ends_with(" has nothing to retry: it is Ready (SyncSucceeded)\n"), "{nothing}");
    closed.store(true, Ordering::SeqCst);
    objects.edit("Thing", "a", json!({"name": "c"})).await.unwrap();
    objects.until("Thing", "a", "failed", |o| reason(o) == "SyncFailed").await.unwrap();
    let why = plugin.ok(&["why", THING_A]).await;
    assert!(why.contains("plugin has tried its sync step once without success; the next attempt is at"), "{why}");
    assert!(why.contains("Sync of things: Failed after") && why.contains(": closed for maintenance"), "{why}");
    closed.store(false, Ordering::SeqCst);
    let tried = plugin.ok(&["retry", "thing.plugin.xos.opencord.org", "--all"]).await;
    assert!(tried.contains("/a is tried now: the sync step of plugin, which was to run at "), "{tried}");
    objects.ready("Thing", "a").await.unwrap();
}

#[tokio::test]
async fn kubectl_xos_is_called_as_kubectl_is() {
    namespace::with("plugin-line", async |namespace| {
        let plugin = Plugin::new(namespace);
        let help = plugin.ok(&["--help"]).await;
        assert!(help.contains("Usage: kubectl xos <COMMAND>"), "{help}");
        let listed = plugin.kubectl.ok(&["plugin", "list"]).await.unwrap();
        assert!(listed.contains("kubectl-xos"), "{listed}");
        let no = plugin.run(&["why", "nothing/like-it", "--context", "nowhere"]).await;
        assert!(
            !no.status.success() && no.stderr.contains("cannot use the context `nowhere` of the kubeconfig"),
            "{no:?}"
        );
        let no = plugin.run(&["tree", "nothing/like-it", "--kubeconfig", "/nowhere"]).await;
        assert!(no.stderr.contains("cannot use the kubeconfig /nowhere"), "{}", no.all());
        let no = plugin.run(&["why", "nothing/like-it"]).await;
        assert!(no.stderr.contains("no kind of a model is called `nothing`"), "{}", no.all());
        // kubectl asks the plugin what may come next, and offers that.
        let offered = plugin.kubectl.ok(&["__complete", "xos", "re"]).await.unwrap();
        let words: Vec<_> = offered.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(words, ["retry", "resume", "resync", ":4"]);
        let script = plugin.kubectl.ok(&["xos", "completion", "bash"]).await.unwrap();
        assert!(script.contains("_kubectl__xos()"), "{script}");
    })
    .await
    .unwrap();
}
