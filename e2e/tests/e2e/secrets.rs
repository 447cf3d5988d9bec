//! The value of a field that is marked secret is nowhere but in the object's spec, and where the step takes it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::{TestNamespace, eventually, example::SOON, kafka::Kafka, namespace};
use xos_runtime::Synchronizer;
use xos_steps::StepError;

use crate::flows::bus;

const MODELS: &str = "option app_label = \"secrets\";
    policy no_blanks < not \" \" in obj.password >
    message Login (XOSBase) {
        option validators = \"no_blanks:{obj.password} has blanks\";
        required string name = 1 [max_length = 32];
        required string password = 2 [max_length = 32, secret = True, unique = True];
        optional string token = 3 [max_length = 9, secret = True, feedback_state = True];
    }";

/// The values that are looked for.
const PASSWORDS: [&str; 3] = ["open-sesame", "abracadabra", "hocus-pocus"];
const TOKEN: &str = "shibbole";

/// The log of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Asserts that a text has none of the values, and something else.
fn assert_hidden(place: &str, text: &str) {
    assert!(!text.is_empty(), "nothing in {place}");
    for secret in PASSWORDS.into_iter().chain([TOKEN]) {
        assert!(!text.contains(secret), "{secret} is in {place}: {text}");
    }
}

/// A step that says what it must not: in its log, by the object, and in its error.
fn careless() -> Script {
    Arc::new(|_, _, o| {
        Box::pin(async move {
            tracing::info!(object = ?o, "synchronizing");
            let password = o.text("password").unwrap_or_default().to_owned();
            if o.flag("no_policy") {
                o.set("token", json!(TOKEN));
                return Ok(());
            }
            Err(StepError::failed(format!("the backend refuses {password:?}")))
        })
    })
}

// The log is that of the thread.
#[tokio::test(flavor = "current_thread")]
async fn a_secret_is_told_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(log.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    // Other tests of this process may have come to a line of the log at the same moment, and nobody wanted it then.
    tracing::callsite::rebuild_interest_cache();
    let kafka = Kafka::shared().await.unwrap();
    namespace::with("secrets", async |namespace| {
        let calls = Calls::default();
        let step = Scripted::doing("step", "Login", &calls, careless());
        let synchronizer = Synchronizer::new("secrets").models(&[("secrets.xproto", MODELS)]).sync_step(step);
        let mut config = bus(kafka);
        config["event_bus"]["gui_events"] = json!(true);
        let controller = Controller::start(namespace, "secrets", synchronizer, &config).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Login").await.unwrap();
        let [ok, failing, _] = PASSWORDS;
        objects.create("Login", "ok", json!({"name": "ok", "password": ok, "noPolicy": true})).await.unwrap();
        objects.ready("Login", "ok").await.unwrap();
        objects.create("Login", "same", json!({"name": "same", "password": ok})).await.unwrap();
        objects.create("Login", "failing", json!({"name": "failing", "password": failing})).await.unwrap();
        let has = |object: &Value, words: &str| object["status"].to_string().contains(words);
        let same = objects.until("Login", "same", "refused", |o| has(o, "Login ok has this password already")).await;
        let failing = objects.until("Login", "failing", "failed", |o| has(o, "the backend refuses \\\"***\\\"")).await;
        for object in [same, failing] {
            assert_hidden("a status", &object.unwrap()["status"].to_string());
        }
        let refused = objects.create("Login", "bad", json!({"name": "bad", "password": "hocus-pocus !"})).await;
        assert_hidden("a validator's message", &crate::causes(&refused.unwrap_err()));

        let events = async || {
            let events =
                namespace.kubectl(&["get", "events", "-o", "yaml"]).await.map_err(|error| error.to_string())?;
            let all = ["the backend refuses", "has this password already"].iter().all(|text| events.contains(text));
            if all { Ok(events) } else { Err(events) }
        };
        assert_hidden("the Events", &eventually(SOON, "both Events", events).await.unwrap());
        let columns = namespace.kubectl(&["get", "logins", "-o", "wide"]).await.unwrap();
        assert_hidden("kubectl get", &columns);

        let told = async || {
            let all = kafka.client().all("xos.gui_events").await.map_err(|error| error.to_string())?;
            let own: Vec<_> = all.into_iter().filter(|one| one.key == "Login").map(|one| one.value).collect();
            if own.iter().any(|one| one.contains("token")) { Ok(own.join("\n")) } else { Err(format!("{own:?}")) }
        };
        assert_hidden("xos.gui_events", &eventually(SOON, "the change to be told", told).await.unwrap());
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
    drop(logging);
    let text = log.text();
    assert!(text.contains("synchronizing") && text.contains("call failed"), "{text}");
    assert_hidden("the log", &text);
}

const FROM: &str = "option app_label = \"secretsfrom\";
    message Key (XOSBase) { required string name = 1 [max_length = 32];
        required string value = 2 [max_length = 32, secret = True]; }";

/// Applies a Secret with one key, `value`.
async fn put(namespace: &TestNamespace, name: &str, value: &str) {
    let secrets: Api<Secret> = Api::namespaced(namespace.client(), namespace.name());
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"value": value}});
    secrets.patch(name, &PatchParams::apply("operator").force(), &Patch::Apply(secret)).await.unwrap();
}

#[tokio::test]
async fn a_value_comes_from_a_secret_and_a_changed_one_is_synchronized_within_5_s() {
    namespace::with("secrets-from", async |namespace| {
        let calls = Calls::default();
        let seen: Script = {
            let calls = calls.clone();
            Arc::new(move |_, _, o| {
                let value = format!("{} has {}", o.meta.name, o.text("value").unwrap_or("nothing"));
                calls.note(value);
                Box::pin(async { Ok(()) })
            })
        };
        let step = Scripted::doing("step", "Key", &Calls::default(), seen);
        let synchronizer = Synchronizer::new("secretsfrom").models(&[("secretsfrom.xproto", FROM)]).sync_step(step);
        let controller = Controller::start(namespace, "secretsfrom", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, FROM).unwrap();
        objects.served("Key").await.unwrap();
        let from = json!({"secretKeyRef": {"name": "a", "key": "value"}});
        let both = objects.create("Key", "both", json!({"name": "both", "value": "x", "valueFrom": from})).await;
        assert!(crate::causes(&both.unwrap_err()).contains("give value or valueFrom, not both"));
        let neither = objects.create("Key", "neither", json!({"name": "neither"})).await;
        assert!(crate::causes(&neither.unwrap_err()).contains("give value or valueFrom"));

        objects.create("Key", "one", json!({"name": "one", "valueFrom": from})).await.unwrap();
        let has = |object: &Value, words: &str| object["status"].to_string().contains(words);
        objects.until("Key", "one", "waiting", |o| has(o, "NoSecret")).await.unwrap();
        put(namespace, "a", PASSWORDS[0]).await;
        objects.ready("Key", "one").await.unwrap();
        calls.become_these(&["one has open-sesame"]).await.unwrap();
        put(namespace, "other", "x").await;
        let changed = Instant::now();
        put(namespace, "a", PASSWORDS[1]).await;
        calls.become_these(&["one has open-sesame", "one has abracadabra"]).await.unwrap();
        let took = changed.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        let object = objects.ready("Key", "one").await.unwrap();
        assert_hidden("an object with a reference", &object.to_string());
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
