//! The demo, step by step: what a person does with the example, and a check of each result.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use xos_harness::{
    example::{SOON, condition},
    wait::eventually,
};

use crate::{
    demo::{Error, Measured, expect},
    narrate::{command, output, say},
    stage::Stage,
};

const PEOPLE: &str = "config/example/people.yaml";
const WAIT: &str = "--timeout=60s";
/// When the last attempt in the status ended, how, and which step it was of.
const DONE: &str = r#"jsonpath={.status.history[0]}{"\n"}"#;
/// The message of an object's condition Ready.
const READY_MESSAGE: &str = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}"#;
/// Why an object is not synchronized.
const FOUND: &str = concat!(
    "jsonpath=noSync {.spec.noSync}, xosManaged {.spec.xosManaged}: ",
    r#"{.status.conditions[?(@.type=="Synced")].message}{"\n"}"#
);

pub(crate) async fn run(stage: &mut Stage, started: Duration) -> Result<Measured, Error> {
    let (applied, synced) = two_people(stage).await?;
    look_around(stage).await?;
    let name = first_person(stage).await?;
    let update = a_new_name(stage, &name).await?;
    an_invalid_person(stage).await?;
    a_backend_that_fails(stage, &name).await?;
    a_team_by_policy(stage).await?;
    a_person_who_waits(stage).await?;
    a_team_is_deleted(stage).await?;
    a_message(stage).await?;
    a_person_from_the_backend(stage).await?;
    everybody_is_deleted(stage).await?;
    Ok(Measured { started, applied, synced, update })
}

/// Returns how long kubectl took, and how long it was from then until both people were Ready.
async fn two_people(stage: &Stage) -> Result<(Duration, Duration), Error> {
    say("Create two people as custom resources.");
    let start = Instant::now();
    stage.kubectl(&["apply", "-f", PEOPLE]).await?;
    let applied = start.elapsed();
    for person in &stage.people.all().await? {
        stage.people.ready(name_of(person)).await?;
    }
    let synced = start.elapsed() - applied;
    say("A person is Ready when the directory has the entry.");
    stage.kubectl(&["wait", "--for=condition=Ready", "mymodel", "--all", WAIT]).await?;
    Ok((applied, synced))
}

async fn look_around(stage: &Stage) -> Result<(), Error> {
    say("The columns of `kubectl get` show the status:");
    stage.kubectl(&["get", "mymodels"]).await?;
    say("All kinds that are made from XOS models are in the category `xos`:");
    let all = stage.kubectl(&["get", "xos"]).await?;
    let people = stage.people.all().await?;
    expect(people.len() == 2, "two people", people.len())?;
    for person in &people {
        let name = name_of(person);
        expect(all.contains(name), &format!("{name} in `kubectl get xos`"), &all)?;
    }
    say("`kubectl explain` shows the help texts of the model:");
    let explained = stage.kubectl(&["explain", "mymodel.spec"]).await?;
    expect(explained.contains("firstName"), "firstName to be explained", explained)?;
    say("The directory has both people. The synchronizer has added their full names:");
    directory_has(stage, &people).await
}

async fn a_new_name(stage: &Stage, name: &str) -> Result<Duration, Error> {
    say("Change a last name.");
    let start = Instant::now();
    patch(stage, name, "Newname").await?;
    ready_again(stage, name).await?;
    let took = start.elapsed();
    say("The directory has the new name:");
    directory_has(stage, &stage.people.all().await?).await?;
    Ok(took)
}

async fn an_invalid_person(stage: &Stage) -> Result<(), Error> {
    say("A person without a first name is refused at once. The error names the field:");
    let refused = stage.try_kubectl(&["apply", "-f", "config/example/bad.yaml"]).await?;
    expect(!refused.status.success(), "kubectl apply to fail", refused.all())?;
    expect(refused.stderr.contains("firstName"), "the message to name the field", refused.all())?;
    let people = stage.people.all().await?;
    expect(people.len() == 2, "still two people", people.len())
}

async fn a_backend_that_fails(stage: &Stage, name: &str) -> Result<(), Error> {
    const CLOSED: &str = "the directory is closed for maintenance";
    say("Now the directory fails: it answers every write with an error.");
    let body = json!({"status": 503, "message": CLOSED}).to_string();
    let url = format!("{}/fail", stage.directory.url());
    command("curl", &["-X", "POST", &url, "-H", "content-type: application/json", "-d", &body]);
    stage.directory.fail(503, CLOSED).await?;
    say("Change the name again. The status shows what is wrong:");
    patch(stage, name, "Patience").await?;
    stage.kubectl(&["wait", "--for=jsonpath={.status.backendCode}=2", "mymodel", name, WAIT]).await?;
    stage.kubectl(&["get", "mymodels"]).await?;
    let message = stage.kubectl(&["get", "mymodel", name, "-o", READY_MESSAGE]).await?;
    expect(message.contains(CLOSED), "the condition to show the directory's reason", message)?;
    say("The directory works again. The synchronizer retries by itself; nobody has to do anything.");
    command("curl", &["-X", "DELETE", &url]);
    stage.directory.recover().await?;
    ready_again(stage, name).await?;
    directory_has(stage, &stage.people.all().await?).await
}

async fn a_team_by_policy(stage: &Stage) -> Result<(), Error> {
    say("Ada has a department. A policy has created a team for it, and has linked Ada to the team:");
    stage.kubectl(&["get", "mymodel,team"]).await?;
    let link = stage.kubectl(&["get", "mymodel", "ada", "-o", "jsonpath={.spec.team.name}"]).await?;
    expect(link.trim() == "engines", "a link to the team engines", link)?;
    stage.kubectl(&["wait", "--for=condition=Ready", "team", "engines", WAIT]).await?;
    Ok(())
}

async fn a_person_who_waits(stage: &Stage) -> Result<(), Error> {
    say("The directory accepts a person only after the team. Jean comes first, so she waits; her status says why:");
    stage.kubectl(&["apply", "-f", "config/example/jean.yaml"]).await?;
    let waits = "waits for Team compilers, which does not exist";
    let message = |person: &Value| condition(person, "Ready")["message"] == waits;
    stage.people.until("jean", "waiting for the team", message).await?;
    let shown = stage.kubectl(&["get", "mymodel", "jean", "-o", READY_MESSAGE]).await?;
    expect(shown.contains(waits), waits, &shown)?;
    say("Create the team. Both are synchronized, the team first:");
    stage.kubectl(&["apply", "-f", "config/example/compilers.yaml"]).await?;
    ready_again(stage, "jean").await?;
    let team = stage.kubectl(&["get", "team", "compilers", "-o", DONE]).await?;
    let person = stage.kubectl(&["get", "mymodel", "jean", "-o", DONE]).await?;
    let is_ordered = time_of(&team).zip(time_of(&person)).is_some_and(|(team, person)| team <= person);
    expect(is_ordered, "the team to be done before the person", format!("{team} and {person}"))
}

/// Returns the time at the beginning of what [`DONE`] prints. Its digits are no order: `…7.89Z` is earlier than `…7.891Z`.
fn time_of(done: &str) -> Option<Timestamp> {
    done.split_once(' ')?.0.parse().ok()
}

async fn a_team_is_deleted(stage: &Stage) -> Result<(), Error> {
    say("Delete the team. As in XOS, its people are deleted with it, before the team:");
    stage.kubectl(&["delete", "team", "compilers", WAIT]).await?;
    stage.kubectl(&["get", "mymodel,team"]).await?;
    let left = stage.people.all().await?;
    expect(left.len() == 2, "Jean to be deleted and two people to remain", left.len())?;
    directory_has(stage, &left).await
}

async fn a_message(stage: &Stage) -> Result<(), Error> {
    say("An event step creates an object for each message on a topic. Kafka's console producer sends one:");
    let message = r#"{"first_name": "John", "last_name": "Doe"}"#;
    let pipe = format!(
        "echo '{message}' | kafka-console-producer.sh --bootstrap-server {} --topic MyTopic",
        stage.kafka.endpoint()
    );
    println!("$ {pipe}");
    stage.kafka.send_by_console("MyTopic", &[("", message)]).await?;
    let john = who_is(stage, "John").await?;
    stage.people.ready(&john).await?;
    stage.kubectl(&["get", "mymodels", "-o", "wide"]).await?;
    directory_has(stage, &stage.people.all().await?).await?;
    say("A message that is not JSON does not block the others. It is parked, with the reason:");
    println!("$ {}", pipe.replace(message, "What?"));
    stage.kafka.send_by_console("MyTopic", &[("", "What?")]).await?;
    let parked = eventually(SOON, "the message to be parked", async || match stage.parked().await {
        Ok(text) if text.contains("What?") => Ok(text),
        Ok(text) => Err(text),
        Err(error) => Err(error.to_string()),
    });
    let parked = parked.await?;
    command("example-synchronizer", &["events", "parked", "--config", "config.yaml"]);
    output(&parked);
    Ok(())
}

async fn a_person_from_the_backend(stage: &Stage) -> Result<(), Error> {
    say("Somebody adds a person to the directory itself. A pull step looks every 5 s, and creates an object:");
    let person = json!({"first_name": "Katherine", "last_name": "Johnson", "full_name": "Katherine Johnson"});
    let url = format!("{}/people/desk.1", stage.directory.url());
    command("curl", &["-X", "PUT", &url, "-H", "content-type: application/json", "-d", &person.to_string()]);
    stage.directory.sign_in("desk.1", &person).await?;
    let katherine = who_is(stage, "Katherine").await?;
    say("The directory has this person already, so the object has noSync: it is not pushed back. The status says so:");
    let held = |person: &Value| condition(person, "Synced")["reason"].is_string();
    stage.people.until(&katherine, "held back", held).await?;
    stage.kubectl(&["get", "mymodels", "-o", "wide"]).await?;
    let shown = stage.kubectl(&["get", "mymodel", &katherine, "-o", FOUND]).await?;
    expect(shown.contains("noSync true") && shown.contains("xosManaged false"), "noSync and not xosManaged", shown)?;
    say("When the person leaves the directory, the object is deleted:");
    command("curl", &["-X", "DELETE", &url]);
    stage.directory.sign_out("desk.1").await?;
    stage.people.gone(&katherine).await?;
    stage.kubectl(&["get", "mymodels"]).await.map(drop)
}

/// Waits until there is a person with this first name, and returns the object's name.
async fn who_is(stage: &Stage, first: &str) -> Result<String, Error> {
    let look = async || {
        let all = stage.people.all().await.map_err(|error| error.to_string())?;
        let one =
            all.iter().find(|person| person["spec"]["firstName"] == first).map(|person| name_of(person).to_owned());
        one.ok_or_else(|| format!("{} others", all.len()))
    };
    Ok(eventually(SOON, format!("a person called {first}"), look).await?)
}

async fn everybody_is_deleted(stage: &Stage) -> Result<(), Error> {
    say("Delete everything. kubectl waits until the directory has no entry any more:");
    stage.kubectl(&["delete", "mymodel,team", "--all", WAIT]).await?;
    let left = stage.people.all().await?;
    // An object that a finalizer holds would still be listed.
    expect(left.is_empty(), "no person and no finalizer to remain", Value::from(left))?;
    stage.kubectl(&["get", "mymodels"]).await?;
    let names = stage.show_directory().await?;
    expect(names.is_empty(), "an empty directory", names.join(", "))
}

async fn first_person(stage: &Stage) -> Result<String, Error> {
    let people = stage.people.all().await?;
    Ok(people.first().map(name_of).unwrap_or_default().to_owned())
}

async fn patch(stage: &Stage, name: &str, last: &str) -> Result<(), Error> {
    let patch = json!({"spec": {"lastName": last}}).to_string();
    stage.kubectl(&["patch", "mymodel", name, "--type=merge", "-p", &patch]).await?;
    Ok(())
}

/// Waits until a person is Ready again. kubectl compares observedGeneration, so an old Ready does not count.
async fn ready_again(stage: &Stage, name: &str) -> Result<(), Error> {
    stage.kubectl(&["wait", "--for=condition=Ready", "mymodel", name, WAIT]).await?;
    let object = stage.people.ready(name).await?;
    output(&format!("Ready: {}", condition(&object, "Ready")["message"].as_str().unwrap_or_default()));
    Ok(())
}

async fn directory_has(stage: &Stage, people: &[Value]) -> Result<(), Error> {
    let mut expected: Vec<String> = people.iter().map(full_name).collect();
    let mut names = stage.show_directory().await?;
    expected.sort();
    names.sort();
    expect(names == expected, &format!("the directory to have {}", expected.join(", ")), names.join(", "))
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn full_name(object: &Value) -> String {
    let field = |name: &str| object["spec"][name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", field("firstName"), field("lastName"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_as_times() {
        let team = time_of("2026-11-27T09:45:07.89Z Sync Succeeded 2ms SyncTeam\n").unwrap();
        let person = time_of("2026-11-27T09:45:07.891Z Sync Succeeded 2ms SyncMyModel\n").unwrap();
        assert!(team < person && "7.89Z" > "7.891Z");
        assert_eq!(time_of("nothing"), None);
    }
}
