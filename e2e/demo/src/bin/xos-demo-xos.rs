//! `xos-demo-xos`: shows XOS's API with the original XOS client. `make demo-xos` builds all that it needs.
//!
//! Every result is checked.

#[path = "../check.rs"]
mod check;
#[path = "../narrate.rs"]
mod narrate;

use std::path::Path;
use std::process::{ExitCode, Stdio};

use check::{Failure, expect, kubectl};
use clap::Parser;
use narrate::say;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use xos_harness::cli::exit_code;
use xos_harness::control::free_ports;
use xos_harness::original::{Original, SelfSigned};
use xos_harness::{Cluster, Directory, documents, eventually, example::SOON, paths};

/// Shows a program that was written for an XOS core, and `kubectl`, at work on the same objects.
#[derive(Parser)]
#[command(version)]
struct Arguments {}

/// The namespace of the demo's people.
const NAMESPACE: &str = "default";
const USER: &str = "admin@opencord.org";
const PASSWORD: &str = "letmein";

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    exit_code("xos-demo-xos", check::run(show()))
}

async fn show() -> Result<(), Failure> {
    say("Start a control plane, and a directory of people:");
    let cluster = Cluster::given_or_own().await?;
    let folder = cluster.folder("xos-demo-xos-")?;
    let directory = Directory::start(folder.path(), &folder.path().join("directory.log")).await?;

    say("The controller serves XOS's gRPC API as well. The API needs a certificate and a user:");
    let users = hashed_password().await?;
    let (users_file, [port]) = (folder.path().join("users"), free_ports()?);
    std::fs::write(&users_file, users)?;
    let tls = SelfSigned::make(folder.path())?;
    let overlay = json!({
        "settings": {"directory_url": directory.url()},
        "api": {
            "address": format!("127.0.0.1:{port}"), "users_file": users_file,
            "tls": {"certificate": tls.certificate, "key": tls.key},
        },
    });
    println!(
        "$ cat api.yaml\napi:\n  address: 127.0.0.1:{port}\n  users_file: users\n  tls: {{certificate: tls.crt, key: tls.key}}"
    );
    let config = paths::repository().join("config/people/config.yaml");
    let log = folder.path().join("synchronizer.log");
    let launch = documents::service(&cluster, NAMESPACE, &config, overlay, (folder.path(), &log)).await?;
    println!("$ xos run --config config/people/config.yaml --config api.yaml");
    let mut synchronizer = launch.start()?;
    served(&cluster, port).await?;
    with_the_client(&cluster, &directory, port, &tls.certificate).await?;
    let status = synchronizer.stop().await?;
    expect(
        status.is_some_and(|status| status.success()),
        "the program to end without an error",
        &format!("{status:?}"),
    )?;
    say("Everything is stopped, and its files are removed.");
    Ok(())
}

async fn with_the_client(
    cluster: &Cluster,
    directory: &Directory,
    port: u16,
    certificate: &Path,
) -> Result<(), Failure> {
    say("The original XOS client, a Python library, as it was released. It makes a person:");
    let mut client = Original::connect(port, certificate, USER, PASSWORD).await?;
    python(&mut client, "person = orm.Person(first_name='Grace', last_name='Hopper', department='compilers')").await?;
    python(&mut client, "person.save()").await?;
    let id = python(&mut client, "person.id").await?;
    let name = format!("person-{id}");

    say("For kubectl it is an object like any other. A policy makes the team, and the sync step tells the directory:");
    kubectl(cluster, &["wait", "--for=condition=Ready", "person", &name, "--timeout=60s"]).await?;
    kubectl(cluster, &["get", "people,teams"]).await?;
    let people = directory.people_json().await?;
    println!("$ curl {}/people\n{people:#}", directory.url());
    expect(people[&name]["team"] == "compilers", "Grace in her team", &people.to_string())?;

    say("kubectl edits it, and the client reads the edit, what came of it, and the team:");
    let edit = r#"{"spec": {"lastName": "Murray Hopper"}}"#;
    kubectl(cluster, &["patch", "person", &name, "--type", "merge", "-p", edit]).await?;
    let current = format!("orm.Person.objects.get(id={id})");
    // What a policy or kubectl has made gets its id within a second or two: until then no link of the API leads to it.
    let done = format!(
        "{current}.last_name == 'Murray Hopper' and {current}.enacted >= {current}.updated and {current}.team is not None"
    );
    let client = tokio::sync::Mutex::new(client);
    eventually(SOON, "the edit to be synchronized", async || match client.lock().await.value(&done).await {
        Ok(Value::Bool(true)) => Ok(()),
        Ok(other) => Err(other.to_string()),
        Err(error) => Err(error.to_string()),
    })
    .await?;
    let mut client = client.into_inner();
    python(&mut client, &format!("person = {current}")).await?;
    let read = python(&mut client, "(person.last_name, person.backend_status, person.team.name)").await?;
    expect(read == json!(["Murray Hopper", "OK", "compilers"]), "the edit, and that it is done", &read.to_string())?;
    let people = directory.people_json().await?;
    println!("$ curl {}/people\n{people:#}", directory.url());
    expect(people[&name]["full_name"] == "Grace Murray Hopper", "her whole name", &people.to_string())?;

    say("The client deletes it, and it is gone from the directory before it is gone from kubectl:");
    python(&mut client, "person.delete()").await?;
    kubectl(cluster, &["wait", "--for=delete", "person", &name, "--timeout=60s"]).await?;
    kubectl(cluster, &["delete", "team", "--all", "--timeout=60s"]).await?;
    let left = directory.people_json().await?;
    expect(left == json!({}), "an empty directory", &left.to_string())
}

/// Waits until `kubectl` knows the kind, and the API listens.
async fn served(cluster: &Cluster, port: u16) -> Result<(), Failure> {
    eventually(SOON, "the kind Person and XOS's API to be served", async || {
        let output = cluster.kubectl().run(&["get", "people"]).await.map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(output.all());
        }
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        connected.map(drop).map_err(|error| error.to_string())
    })
    .await?;
    Ok(())
}

/// Prints a line as a person would type it into Python, runs it, and prints and returns its value.
async fn python(client: &mut Original, line: &str) -> Result<Value, Failure> {
    println!(">>> {line}");
    let value = client.value(line).await?;
    if !value.is_null() {
        println!("{value}");
    }
    Ok(value)
}

/// Prints and returns the line of the demo's user.
async fn hashed_password() -> Result<String, Failure> {
    println!("$ echo {PASSWORD} | xos hash-password {USER} > users");
    let mut command = tokio::process::Command::new(paths::program("xos")?);
    let mut run = command.args(["hash-password", USER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut input) = run.stdin.take() {
        input.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
    }
    let output = run.wait_with_output().await?;
    if !output.status.success() {
        return Err("xos hash-password failed".into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
