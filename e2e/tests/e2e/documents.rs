//! A service that is not compiled: `config/people`, run by the stock program.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use xos_harness::{Directory, TestNamespace, documents, eventually, example::SOON, namespace, paths};

/// Runs the service in a namespace of its own, until the test is done.
async fn with_people(title: &str, test: impl AsyncFnOnce(&TestNamespace, &Directory)) {
    namespace::with(title, async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let log = namespace.log("synchronizer");
        let launch =
            documents::people(namespace.cluster(), namespace.name(), &directory, namespace.folder(), &log).await;
        let mut running = launch.unwrap().start().unwrap();
        let objects = std::fs::read_to_string(paths::repository().join("config/people/objects.yaml")).unwrap();
        eventually(SOON, "its kinds to be served", async || namespace.apply(&objects).await.map(drop)).await.unwrap();
        test(namespace, &directory).await;
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}

async fn get(namespace: &TestNamespace, what: &[&str]) -> Value {
    let all = [&["get", "-o", "json"], what].concat();
    serde_json::from_str(&namespace.kubectl(&all).await.unwrap()).unwrap()
}

#[tokio::test]
async fn objects_are_synchronized_by_documents() {
    with_people("documents", async |namespace, directory| {
        namespace.kubectl(&["wait", "--for=condition=Ready", "person", "--all", "--timeout=60s"]).await.unwrap();
        let ada = directory.people_json().await.unwrap()["ada"].clone();
        assert_eq!(
            ada,
            json!({"first_name": "Ada", "last_name": "Lovelace", "full_name": "Ada Lovelace", "team": "engines"}),
            "the policy made the team, and it was put there first"
        );
        let person = get(namespace, &["person", "ada"]).await;
        assert_eq!(person["spec"]["team"], json!({"name": "engines"}));
        let history = person["status"]["history"][0].as_str().unwrap_or_default().to_owned();
        assert!(history.contains(" person"), "the step has the document's name: {history}");

        // An edit, and the failure of the backend in its own words.
        directory.fail(422, "no such country").await.unwrap();
        let patch = json!({"spec": {"lastName": "King"}}).to_string();
        namespace.kubectl(&["patch", "person", "ada", "--type=merge", "-p", &patch]).await.unwrap();
        let failed = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=SyncFailed";
        namespace.kubectl(&["wait", failed, "person/ada", "--timeout=60s"]).await.unwrap();
        let person = get(namespace, &["person", "ada"]).await;
        let message = person["status"]["conditions"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("/people/ada answered 422") && message.contains("no such country"), "{message}");
        directory.recover().await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "person/ada", "--timeout=60s"]).await.unwrap();
        assert_eq!(directory.people_json().await.unwrap()["ada"]["last_name"], "King");

        // Somebody whom the backend knows first.
        let katherine = json!({"first_name": "Katherine", "last_name": "Johnson", "full_name": "Katherine Johnson"});
        directory.sign_in("desk.1", &katherine).await.unwrap();
        let found = async || {
            let all = get(namespace, &["people"]).await;
            let is_she = |one: &&Value| one["spec"]["firstName"] == "Katherine";
            all["items"].as_array().unwrap().iter().find(is_she).cloned().ok_or_else(|| all.to_string())
        };
        let object = eventually(SOON, "an object for Katherine", found).await.unwrap();
        assert_eq!(object["spec"]["noSync"], true);
        directory.sign_out("desk.1").await.unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        namespace.kubectl(&["wait", "--for=delete", &format!("person/{name}"), "--timeout=60s"]).await.unwrap();

        namespace.kubectl(&["delete", "person,team", "--all", "--timeout=60s"]).await.unwrap();
        assert_eq!(directory.people_json().await.unwrap(), json!({}));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_without_a_cluster() {
    let root = tempfile::tempdir().unwrap();
    let service = root.path().join("people");
    copy(&paths::repository().join("config/people"), &service);
    let check = async || {
        let mut command = Command::new(paths::program("xos").unwrap());
        command.current_dir(&service).args(["check", "config.yaml"]).stdin(Stdio::null());
        let run = command.output().await.unwrap();
        (String::from_utf8(run.stdout).unwrap(), run.status.code())
    };
    let (said, code) = check().await;
    assert_eq!((said.trim(), code), ("5 files, 2 models: no problems found", Some(0)));
    let step = service.join("steps/directory.yaml");
    let text = std::fs::read_to_string(&step).unwrap();
    std::fs::write(&step, text.replace("${self.last_name}\n", "${self.lastname}\n")).unwrap();
    let (said, code) = check().await;
    assert_eq!(code, Some(1));
    let expected = "error[D009]: model Person has no field or link `lastname`
  --> ";
    assert!(said.starts_with(expected) && said.contains("help: did you mean `last_name`?"), "{said}");
}

/// Documents that are edited while the service runs.
#[tokio::test]
async fn a_changed_document_is_taken_up_and_a_wrong_one_is_not() {
    namespace::with("reload", async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let service = namespace.folder().join("people");
        copy(&paths::repository().join("config/people"), &service);
        let (here, folder, log) = (namespace.name(), namespace.folder(), namespace.log("synchronizer"));
        let overlay = json!({"settings": {"directory_url": directory.url()}});
        let config = service.join("config.yaml");
        let launch = documents::service(namespace.cluster(), here, &config, overlay, (folder, &log)).await.unwrap();
        let mut running = launch.start().unwrap();
        let person = |name: &str| {
            let spec = json!({"firstName": name, "lastName": "X"});
            json!({"apiVersion": "people.xos.opencord.org/v1", "kind": "Person", "metadata": {"name": name}, "spec": spec})
        };
        let apply = async |name: &str| namespace.apply(&person(name).to_string()).await.map(drop);
        eventually(SOON, "its kinds to be served", async || apply("one").await).await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "person/one", "--timeout=60s"]).await.unwrap();

        let step = service.join("steps/directory.yaml");
        let text = std::fs::read_to_string(&step).unwrap();
        let log_has = async |words: &str| {
            let look = async || {
                let all = std::fs::read_to_string(&log).unwrap_or_default();
                if all.contains(words) { Ok(()) } else { Err(xos_harness::process::tail(&log, 20)) }
            };
            eventually(SOON, format!("{words} in the log"), look).await.unwrap();
        };
        std::fs::write(&step, text.replace("${self.last_name}\n", "${self.lastname}\n")).unwrap();
        log_has("cannot be used: those that were read before stay in use").await;
        apply("two").await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "person/two", "--timeout=60s"]).await.unwrap();

        std::fs::write(&step, text.replace("full_name: ${self.first_name} ${self.last_name}", "full_name: Dr ${self.last_name}")).unwrap();
        log_has("models and documents are taken up as they are now").await;
        apply("three").await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "person/three", "--timeout=60s"]).await.unwrap();
        let people = directory.people_json().await.unwrap();
        assert_eq!(people["three"]["full_name"], "Dr X");
        assert_eq!(people["two"]["full_name"], "two X");
        assert_eq!(directory.stats().await.unwrap().puts["one"], 1, "it has not changed");

        // A model that would break what is stored; the controller may look whether it does.
        let role = format!("{here}-looks");
        let account = format!("--serviceaccount={here}:people");
        let looks = ["create", "clusterrole", &role, "--verb=list", "--resource=people.people.xos.opencord.org"];
        namespace.kubectl(&looks).await.unwrap();
        let bound = ["create", "clusterrolebinding", &role, &format!("--clusterrole={role}"), &account];
        namespace.kubectl(&bound).await.unwrap();
        let model = service.join("models/people.xproto");
        let text = std::fs::read_to_string(&model).unwrap();
        std::fs::write(&model, text.replacen("first name.\", max_length = 32", "first name.\", max_length = 2", 1)).unwrap();
        log_has("maxLength 32 → 2").await;
        apply("four").await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "person/four", "--timeout=60s"]).await.unwrap();
        // When nothing is in the way any more it is taken up, though nobody touches the file.
        namespace.kubectl(&["delete", "person", "--all", "--timeout=60s"]).await.unwrap();
        let get = ["get", "crd", "people.people.xos.opencord.org", "-o", "json"];
        let longest = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/firstName/maxLength";
        eventually(SOON, "the shorter limit", async || {
            let shown: Value = serde_json::from_str(&namespace.kubectl(&get).await.map_err(|error| error.to_string())?)
                .map_err(|error| error.to_string())?;
            if shown.pointer(longest) == Some(&json!(2)) { Ok(()) } else { Err(format!("{:?}", shown.pointer(longest))) }
        })
        .await
        .unwrap();
        namespace.kubectl(&["delete", "clusterrolebinding,clusterrole", &role]).await.unwrap();
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}

/// A service whose step is a command: it has no more memory than the document says.
#[tokio::test]
async fn a_command_is_run_with_a_limit_of_memory() {
    namespace::with("commands", async |namespace| {
        let service = namespace.folder().join("service");
        std::fs::create_dir_all(service.join("models")).unwrap();
        let model = r#"option name = "cmd"; option app_label = "cmd";
            message CmdThing (XOSBase) { required string name = 1 [max_length = 9]; required int32 size = 2;
                optional string said = 3 [max_length = 99, feedback_state = True]; }"#;
        std::fs::write(service.join("models/cmd.xproto"), model).unwrap();
        let step = r#"apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {name: awk}
spec:
  model: CmdThing
  exec:
    command: [/usr/bin/awk, -v, "size=${self.size}",
      "BEGIN { s = \"x\"; while (length(s) < size) s = s s; print (length(s) >= size) }"]
    memory: 64
    fields: {said: "${result.text.trim()}"}
    delete: nothing
"#;
        std::fs::create_dir_all(service.join("steps")).unwrap();
        std::fs::write(service.join("steps/awk.yaml"), step).unwrap();
        let config = service.join("config.yaml");
        std::fs::write(&config, "name: cmd\nmodels_dir: models\ndocuments_dir: steps\n").unwrap();
        let (here, folder) = (namespace.name(), namespace.folder());
        let log = namespace.log("synchronizer");
        let launch = documents::service(namespace.cluster(), here, &config, json!({}), (folder, &log)).await.unwrap();
        let mut running = launch.start().unwrap();
        let thing = |name: &str, size: u32| {
            let spec = json!({"name": name, "size": size});
            json!({"apiVersion": "cmd.xos.opencord.org/v1", "kind": "CmdThing", "metadata": {"name": name}, "spec": spec})
        };
        let both = format!("{}\n---\n{}", thing("small", 1000), thing("large", 200_000_000));
        eventually(SOON, "its kind to be served", async || namespace.apply(&both).await.map(drop)).await.unwrap();
        let ready =
            |reason: &str| format!("--for=jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}");
        namespace.kubectl(&["wait", &ready("SyncSucceeded"), "cmdthing/small", "--timeout=60s"]).await.unwrap();
        assert_eq!(get(namespace, &["cmdthing", "small"]).await["status"]["said"], "1");
        namespace.kubectl(&["wait", &ready("SyncFailed"), "cmdthing/large", "--timeout=60s"]).await.unwrap();
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
