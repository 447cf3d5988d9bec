//! Documents that apply and read objects of Kubernetes, and that run playbooks.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;
use xos_harness::{TestNamespace, documents, eventually, example::SOON, namespace, paths};

const MODEL: &str = r#"option name = "fgn"; option app_label = "fgn";
    message FgnSite (XOSBase) { required string name = 1 [max_length = 30]; optional string title = 2 [max_length = 99];
        optional string state = 3 [max_length = 99, feedback_state = True]; }"#;

/// Writes a service with one step, and returns its configuration.
fn service(folder: &Path, name: &str, step: &str) -> std::path::PathBuf {
    let (models, steps) = (folder.join("models"), folder.join("steps"));
    std::fs::create_dir_all(&models).unwrap();
    std::fs::create_dir_all(&steps).unwrap();
    std::fs::write(models.join("m.xproto"), MODEL.replace("fgn", name).replace("Fgn", &capital(name))).unwrap();
    std::fs::write(steps.join("step.yaml"), step).unwrap();
    let config = folder.join("config.yaml");
    std::fs::write(&config, format!("name: {name}\nmodels_dir: models\ndocuments_dir: steps\n")).unwrap();
    config
}

fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

fn site(kind: &str, title: &str) -> String {
    json!({"apiVersion": format!("{}.xos.opencord.org/v1", kind.to_lowercase().trim_end_matches("site")), "kind": kind,
        "metadata": {"name": "rome"}, "spec": {"name": "rome", "title": title}})
    .to_string()
}

async fn get(namespace: &TestNamespace, what: &[&str]) -> Value {
    let all = [&["get", "-o", "json"], what].concat();
    serde_json::from_str(&namespace.kubectl(&all).await.unwrap()).unwrap()
}

async fn wait(namespace: &TestNamespace, condition: &str, what: &str) {
    let condition = format!("--for={condition}");
    namespace.kubectl(&["wait", &condition, what, "--timeout=60s"]).await.unwrap();
}

const STEP: &str = r#"apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {name: site}
spec:
  model: FgnSite
  kubernetes:
    read:
      colours: {apiVersion: v1, kind: ConfigMap, name: colours}
    apply:
    - id: settings
      object:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "${self.metadata.name}-settings"}
        data: {title: "${self.title}", colour: "${read.colours.data.colour}"}
    - id: extra
      when: ${self.title != 'plain'}
      object: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${self.metadata.name}-extra"}}
    - id: web
      object:
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: "${self.metadata.name}-web"}
        spec:
          replicas: 1
          selector: {matchLabels: {app: "${self.metadata.name}"}}
          template:
            metadata: {labels: {app: "${self.metadata.name}"}}
            spec: {containers: [{name: web, image: nowhere/web}]}
    fields: {state: "${string(applied.web.status.?readyReplicas.orValue(0))} ready"}
"#;

#[tokio::test]
async fn objects_of_kubernetes_follow_an_object() {
    namespace::with("foreign", async |namespace| {
        let config = service(&namespace.folder().join("service"), "fgn", STEP);
        let (here, folder, log) = (namespace.name(), namespace.folder(), namespace.log("synchronizer"));
        let launch = documents::service(namespace.cluster(), here, &config, json!({}), (folder, &log)).await.unwrap();
        let mut running = launch.start().unwrap();
        eventually(SOON, "its kind to be served", async || namespace.apply(&site("FgnSite", "plain")).await.map(drop))
            .await
            .unwrap();
        let rome = "fgnsite/rome";
        let message = |words: &str| {
            format!("jsonpath={{.status.conditions[?(@.type==\"Ready\")].message}}={words}")
        };
        let missing = format!("waits for ConfigMap {here}/colours, which is not there (`read.colours`)");
        wait(namespace, &message(&missing), rome).await;
        let colours = |colour: &str| {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours"}, "data": {"colour": colour}})
        };
        namespace.apply(&colours("red").to_string()).await.unwrap();
        // Its controller makes pods that nothing runs: the test is the kubelet.
        wait(namespace, &message(&format!("waits for Deployment {here}/rome-web: 0 of 1 replicas are available")), rome).await;
        let settings = get(namespace, &["configmap", "rome-settings"]).await;
        assert_eq!(settings["data"], json!({"title": "plain", "colour": "red"}));
        assert_eq!(settings["metadata"]["ownerReferences"][0]["kind"], "FgnSite");
        let managers = ["get", "configmap", "rome-settings", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}"];
        assert_eq!(namespace.kubectl(&managers).await.unwrap(), "xos/fgn/site");
        let pods = get(namespace, &["pods", "-l", "app=rome"]).await;
        let pod = format!("pod/{}", pods["items"][0]["metadata"]["name"].as_str().unwrap());
        let ready = json!({"status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        namespace.kubectl(&["patch", &pod, "--subresource=status", "--type=merge", "-p", &ready.to_string()]).await.unwrap();
        wait(namespace, "condition=Ready", rome).await;
        assert_eq!(get(namespace, &[rome]).await["status"]["state"], "1 ready");

        // What it reads changes, and what it wants.
        namespace.apply(&colours("blue").to_string()).await.unwrap();
        wait(namespace, "jsonpath={.data.colour}=blue", "configmap/rome-settings").await;
        namespace.apply(&site("FgnSite", "fancy")).await.unwrap();
        wait(namespace, "jsonpath={.data.title}=fancy", "configmap/rome-settings").await;
        wait(namespace, "condition=Ready", rome).await;
        get(namespace, &["configmap", "rome-extra"]).await;
        namespace.apply(&site("FgnSite", "plain")).await.unwrap();
        wait(namespace, "delete", "configmap/rome-extra").await;
        // Somebody takes away what is ours.
        namespace.kubectl(&["delete", "configmap", "rome-settings"]).await.unwrap();
        let back = async || namespace.kubectl(&["get", "configmap", "rome-settings"]).await.map(drop);
        eventually(SOON, "rome-settings to be made again", back).await.unwrap();

        // The last one goes first.
        let hold = json!({"metadata": {"finalizers": ["test.org/hold"]}}).to_string();
        namespace.kubectl(&["patch", "deployment", "rome-web", "--type=merge", "-p", &hold]).await.unwrap();
        namespace.kubectl(&["delete", rome, "--wait=false"]).await.unwrap();
        wait(namespace, &message(&format!("waits until Deployment {here}/rome-web is gone")), rome).await;
        get(namespace, &["configmap", "rome-settings"]).await;
        let free = json!({"metadata": {"finalizers": null}}).to_string();
        namespace.kubectl(&["patch", "deployment", "rome-web", "--type=merge", "-p", &free]).await.unwrap();
        wait(namespace, "delete", rome).await;
        let left = get(namespace, &["configmap,deployment", "-l", "app.kubernetes.io/managed-by=xos"]).await;
        assert_eq!(left["items"], json!([]));
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}

const PLAYBOOK: &str = r#"- hosts: all
  gather_facts: false
  tasks:
  - name: say it
    ansible.builtin.copy: {content: "{{ title }}", dest: "{{ file }}", mode: "0600"}
  - name: refuse
    ansible.builtin.fail: {msg: "{{ title }} is not wanted"}
    when: title == 'bad'
  - ansible.builtin.set_stats: {data: {state: "{{ title | length }} letters"}}
"#;

#[tokio::test]
async fn a_playbook_makes_things_agree_with_an_object() {
    namespace::with("ansible", async |namespace| {
        let tool = Command::new(paths::repository().join("e2e/ansible/ansible")).output().await.unwrap();
        assert!(tool.status.success(), "{}", String::from_utf8_lossy(&tool.stderr));
        let program = String::from_utf8(tool.stdout).unwrap();
        let (folder, file) = (namespace.folder().join("service"), namespace.folder().join("said"));
        let step = format!(
            r#"apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {{name: site}}
spec:
  model: AnsSite
  ansible:
    playbook: ../playbooks/site.yaml
    variables: {{title: "${{self.title}}", file: {file}}}
    program: {program}
    fields: {{state: "${{result.value.state}}"}}
    delete:
      inline: |
        - hosts: localhost
          gather_facts: false
          tasks: [{{ansible.builtin.file: {{path: "{{{{ file }}}}", state: absent}}}}]
      variables: {{file: {file}}}
"#,
            file = file.display(),
            program = program.trim()
        );
        std::fs::create_dir_all(folder.join("playbooks")).unwrap();
        std::fs::write(folder.join("playbooks/site.yaml"), PLAYBOOK).unwrap();
        let config = service(&folder, "ans", &step);
        let (here, folder, log) = (namespace.name(), namespace.folder(), namespace.log("synchronizer"));
        let launch = documents::service(namespace.cluster(), here, &config, json!({}), (folder, &log)).await.unwrap();
        let mut running = launch.start().unwrap();
        // What looks like a template is a text.
        let title = "{{ lookup('env', 'HOME') }}";
        eventually(SOON, "its kind to be served", async || namespace.apply(&site("AnsSite", title)).await.map(drop))
            .await
            .unwrap();
        wait(namespace, "condition=Ready", "anssite/rome").await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), title);
        assert_eq!(get(namespace, &["anssite/rome"]).await["status"]["state"], "27 letters");
        namespace.apply(&site("AnsSite", "bad")).await.unwrap();
        let failed = "jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=SyncFailed";
        wait(namespace, failed, "anssite/rome").await;
        let rome = get(namespace, &["anssite/rome"]).await;
        let message = rome["status"]["conditions"].to_string();
        assert!(message.contains("task `refuse` failed on localhost: bad is not wanted"), "{message}");
        namespace.kubectl(&["delete", "anssite/rome", "--timeout=60s"]).await.unwrap();
        assert!(!file.exists());
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
