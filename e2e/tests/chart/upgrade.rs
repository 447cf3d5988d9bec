//! `helm upgrade` from another version of the chart, with 1,000 live objects: definitions are upgraded, nothing is lost,
//! and nothing is synchronized again. What would break stored objects is refused, and can be rolled back.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use xos_harness::{Cluster, Directory, control::ServeOptions, eventually, helm::chart, namespace, paths};

use crate::released::{LONG, Release};

const OBJECTS: usize = 1000;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            assert!(fs::copy(entry.path(), &target).is_ok());
        }
    }
}

/// Writes values with the example's models, changed.
fn models(folder: &Path, name: &str, change: (&str, &str)) -> String {
    let text = fs::read_to_string(paths::repository().join("config/example/mymodel.xproto")).unwrap();
    assert!(text.contains(change.0), "{text}");
    let xprotos = serde_json::json!({"mymodel.xproto": text.replacen(change.0, change.1, 1)});
    let properties = fs::read_to_string(paths::repository().join("config/example/convenience/mymodel.yaml")).unwrap();
    let values = serde_json::json!({"modelSets": {"example": {"xprotos": xprotos, "properties": properties}}});
    let path = folder.join(name);
    fs::write(&path, values.to_string()).unwrap();
    path.display().to_string()
}

/// Of each object: its uid and generation.
fn identities(all: &[Value]) -> BTreeMap<String, (String, i64)> {
    let of = |one: &Value| {
        let metadata = &one["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap().to_owned();
        (text("name"), (text("uid"), metadata["generation"].as_i64().unwrap()))
    };
    all.iter().map(of).collect()
}

#[tokio::test]
async fn a_thousand_objects_live_through_an_upgrade_and_a_rollback() {
    // The definitions of its own: other tests have others of the same kinds.
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    namespace::with_in(cluster, "upgrade", async |namespace| {
        let folder = namespace.folder();
        let older = folder.join("older");
        copy(&chart(), &older);
        let metadata = fs::read_to_string(older.join("Chart.yaml")).unwrap();
        let version = format!("version: {}\n", env!("CARGO_PKG_VERSION"));
        fs::write(older.join("Chart.yaml"), metadata.replacen(&version, "version: 0.0.9\n", 1)).unwrap();
        let directory = Directory::start(folder, &namespace.log("directory")).await.unwrap();
        let url = format!("directory.enabled=false,settings.directory_url={}", directory.url());
        let same = ("option app_label = \"example\";", "option app_label = \"example\";");
        let first = models(folder, "first.yaml", same);
        // Else it could not tell whether a change breaks objects.
        let release = Release { everywhere: true, ..Release::prepare(namespace).await };
        release.helm_of(older.to_str().unwrap(), &["install", "-f", &first], &[&url]).await.unwrap();
        release.make(OBJECTS).await;
        release.all_ready(OBJECTS).await;
        let before = identities(&release.people.all().await.unwrap());
        let synchronized = directory.stats().await.unwrap();

        // A new field, with the chart of today.
        let field = (
            "    optional string department = 3 [",
            "    optional string nick_name = 5 [max_length = 9];\n    optional string department = 3 [",
        );
        let second = models(folder, "second.yaml", field);
        let start = std::time::Instant::now();
        release.helm(&["upgrade", "-f", &second], &[&url]).await.unwrap();
        eprintln!("helm upgrade with {OBJECTS} objects took {:.1?}", start.elapsed());
        let listed = release.helm.ok(&["list", "-n", namespace.name()]).await.unwrap();
        assert!(listed.contains(&format!("xos-controller-{}", env!("CARGO_PKG_VERSION"))), "{listed}");
        // It is applied by the new pod once that leads: when the old one has ended.
        let definition = ["get", "crd", "mymodels.example.xos.opencord.org", "-o", "json"];
        let field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/nickName";
        eventually(LONG, "the new field in the definition", async || {
            let shown = namespace.kubectl(&definition).await.map_err(|error| error.to_string())?;
            let shown: Value = serde_json::from_str(&shown).map_err(|error| error.to_string())?;
            if shown.pointer(field).is_some() { Ok(()) } else { Err(format!("{shown:#}")) }
        })
        .await
        .unwrap();
        release.all_ready(OBJECTS).await;
        assert_eq!(identities(&release.people.all().await.unwrap()), before);
        assert_eq!(directory.stats().await.unwrap(), synchronized);
        // And it works: a change is handled.
        let patch = r#"{"spec": {"lastName": "Y"}}"#;
        namespace.kubectl(&["patch", "mymodel", "p0000", "--type=merge", "-p", patch]).await.unwrap();
        release.people.until("p0000", "handled", xos_harness::example::is_ready).await.unwrap();

        // A change that would break stored objects: the new pod says why.
        let shorter = (
            "help_text = \"The person's first name.\",\n        max_length = 32",
            "help_text = \"The person's first name.\",\n        max_length = 2",
        );
        let third = models(folder, "third.yaml", shorter);
        release.helm(&["upgrade", "-f", &third, "--timeout", "20s"], &[&url]).await.unwrap();
        let expected = ["spec.firstName: maxLength 32 → 2", "p0010"];
        eventually(LONG, "the reason in the new pod's log", async || {
            let logs = release.logs();
            if expected.iter().all(|part| logs.contains(part)) { Ok(()) } else { Err(logs) }
        })
        .await
        .unwrap();
        release.helm.ok(&["rollback", "demo", "-n", namespace.name(), "--wait"]).await.unwrap();
        let patch = r#"{"spec": {"lastName": "Z"}}"#;
        namespace.kubectl(&["patch", "mymodel", "p0000", "--type=merge", "-p", patch]).await.unwrap();
        release.people.until("p0000", "handled", xos_harness::example::is_ready).await.unwrap();
        release.all_ready(OBJECTS).await;
        let before = &synchronized.puts;
        let puts = directory.stats().await.unwrap().puts;
        let more = puts.iter().filter_map(|(id, count)| {
            let more = count - before.get(id).unwrap_or(&0);
            (more > 0).then(|| (id.rsplit('.').next().unwrap_or(id), more))
        });
        let more: BTreeMap<_, _> = more.collect();
        let all = release.people.all().await.unwrap();
        let told = all.iter().filter(|one| more.contains_key(one["metadata"]["name"].as_str().unwrap_or_default()));
        let told: Vec<_> = told.map(|one| format!("{one:#}")).collect();
        assert_eq!(more, BTreeMap::from([("p0000", 2)]), "{}\n{}", release.logs(), told.join("\n"));
        release.uninstall().await;
        directory.stop().await.unwrap();
    })
    .await
    .unwrap();
}
