//! What a person does with the example, step by step, and what has to come of it.

use std::time::{Duration, Instant};

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
/// When the last attempt that the status tells of ended.
const DONE: &str =
    r#"jsonpath={.status.history[0].step} {.status.history[0].outcome} at {.status.history[0].at}{"\n"}"#;

/// Why nobody synchronizes an object.
const FOUND: &str = r#"jsonpath=noSync {.spec.noSync}, xosManaged {.spec.xosManaged}: {.status.conditions[?(@.type=="Synced")].message}{"\n"}"#;

pub(crate) async fn tell(stage: &mut Stage, started: Duration) -> Result<Measured, Error> {
    let (applied, synced) = two_people(stage).await?;
    look_around(stage).await?;
    let name = somebody(stage).await?;
    let update = a_new_name(stage, &name).await?;
    a_bad_one(stage).await?;
    a_backend_that_fails(stage, &name).await?;
    a_team_by_policy(stage).await?;
    somebody_who_waits(stage).await?;
    a_team_goes(stage).await?;
    a_message(stage).await?;
    somebody_at_the_desk(stage).await?;
    the_end(stage).await?;
    Ok(Measured { started, applied, synced, update })
}

/// How long kubectl took, and how long it was from then until both were Ready.
async fn two_people(stage: &Stage) -> Result<(Duration, Duration), Error> {
    say("Two people are written down, as custom resources.");
    let start = Instant::now();
    stage.kubectl(&["apply", "-f", PEOPLE]).await?;
    let applied = start.elapsed();
    for person in &stage.people.all().await? {
        stage.people.ready(name_of(person)).await?;
    }
    let synced = start.elapsed() - applied;
    say("Each is Ready as soon as the directory has it.");
    stage.kubectl(&["wait", "--for=condition=Ready", "mymodel", "--all", WAIT]).await?;
    Ok((applied, synced))
}

async fn look_around(stage: &Stage) -> Result<(), Error> {
    say("What is known of them:");
    stage.kubectl(&["get", "mymodels"]).await?;
    say("Every kind that comes from an XOS model is in the category xos.");
    let all = stage.kubectl(&["get", "xos"]).await?;
    let people = stage.people.all().await?;
    expect(people.len() == 2, "two people", people.len())?;
    for person in &people {
        let name = name_of(person);
        expect(all.contains(name), &format!("{name} in `kubectl get xos`"), &all)?;
    }
    say("The models' own texts explain the fields.");
    let explained = stage.kubectl(&["explain", "mymodel.spec"]).await?;
    expect(explained.contains("firstName"), "firstName to be explained", explained)?;
    say("The directory has both, with the full names that the synchronizer has made.");
    directory_has(stage, &people).await
}

async fn a_new_name(stage: &Stage, name: &str) -> Result<Duration, Error> {
    say("Somebody gets a new name, …");
    let start = Instant::now();
    patch(stage, name, "Newname").await?;
    ready_again(stage, name).await?;
    let took = start.elapsed();
    say("… and the directory follows.");
    directory_has(stage, &stage.people.all().await?).await?;
    Ok(took)
}

async fn a_bad_one(stage: &Stage) -> Result<(), Error> {
    say("Somebody without a first name is refused at once, with the reason.");
    let refused = stage.try_kubectl(&["apply", "-f", "config/example/bad.yaml"]).await?;
    expect(!refused.status.success(), "kubectl apply to fail", refused.all())?;
    expect(refused.stderr.contains("firstName"), "the message to name the field", refused.all())?;
    let people = stage.people.all().await?;
    expect(people.len() == 2, "still two people", people.len())
}

async fn a_backend_that_fails(stage: &Stage, name: &str) -> Result<(), Error> {
    const CLOSED: &str = "the directory is closed for maintenance";
    say("The directory fails for a while …");
    let body = json!({"status": 503, "message": CLOSED}).to_string();
    let url = format!("{}/fail", stage.directory.url());
    command("curl", &["-X", "POST", &url, "-H", "content-type: application/json", "-d", &body]);
    stage.directory.fail(503, CLOSED).await?;
    say("… and just then somebody is renamed: the status tells what is wrong.");
    patch(stage, name, "Patience").await?;
    stage.kubectl(&["wait", "--for=jsonpath={.status.backendCode}=2", "mymodel", name, WAIT]).await?;
    stage.kubectl(&["get", "mymodels"]).await?;
    let message = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}"#;
    let message = stage.kubectl(&["get", "mymodel", name, "-o", message]).await?;
    expect(message.contains(CLOSED), "the condition to tell the directory's reason", message)?;
    say("It works again. Nobody touches anything: the synchronizer tries again by itself.");
    command("curl", &["-X", "DELETE", &url]);
    stage.directory.recover().await?;
    ready_again(stage, name).await?;
    directory_has(stage, &stage.people.all().await?).await
}

async fn a_team_by_policy(stage: &Stage) -> Result<(), Error> {
    say("Ada has a department: a policy has made a team of it, and linked her to it.");
    stage.kubectl(&["get", "mymodel,team"]).await?;
    let link = stage.kubectl(&["get", "mymodel", "ada", "-o", "jsonpath={.spec.team.name}"]).await?;
    expect(link.trim() == "engines", "a link to the team engines", link)?;
    stage.kubectl(&["wait", "--for=condition=Ready", "team", "engines", WAIT]).await?;
    Ok(())
}

async fn somebody_who_waits(stage: &Stage) -> Result<(), Error> {
    say("The directory takes a person only after the team. Jean comes before hers: she waits, and says for what.");
    stage.kubectl(&["apply", "-f", "config/example/jean.yaml"]).await?;
    let waits = "waits for Team compilers, which does not exist";
    let message = |person: &Value| condition(person, "Ready")["message"] == waits;
    stage.people.until("jean", "told to wait", message).await?;
    let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}"#;
    let told = stage.kubectl(&["get", "mymodel", "jean", "-o", path]).await?;
    expect(told.contains(waits), waits, &told)?;
    say("Now the team comes, and both are done, the team first.");
    stage.kubectl(&["apply", "-f", "config/example/compilers.yaml"]).await?;
    ready_again(stage, "jean").await?;
    let team = stage.kubectl(&["get", "team", "compilers", "-o", DONE]).await?;
    let person = stage.kubectl(&["get", "mymodel", "jean", "-o", DONE]).await?;
    let order = || Some((team.split_once(" at ")?.1, person.split_once(" at ")?.1));
    let is_ordered = order().is_some_and(|(team, person)| team < person);
    expect(is_ordered, "the team to be done before the person", format!("{team} and {person}"))
}

async fn a_team_goes(stage: &Stage) -> Result<(), Error> {
    say("A team that is deleted takes its people along, as in XOS; they go first.");
    stage.kubectl(&["delete", "team", "compilers", WAIT]).await?;
    stage.kubectl(&["get", "mymodel,team"]).await?;
    let left = stage.people.all().await?;
    expect(left.len() == 2, "Jean to be gone and two people to be left", left.len())?;
    directory_has(stage, &left).await
}

async fn a_message(stage: &Stage) -> Result<(), Error> {
    say(
        "Somebody is announced by a message, which Kafka's own console producer sends: an event step makes the object.",
    );
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
    say("A message that is no JSON holds nothing up: it is parked, with its reason.");
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

async fn somebody_at_the_desk(stage: &Stage) -> Result<(), Error> {
    say("Somebody signs in at the directory's own desk: a pull step, which looks every 5 s, finds them.");
    let person = json!({"first_name": "Katherine", "last_name": "Johnson", "full_name": "Katherine Johnson"});
    let url = format!("{}/people/desk.1", stage.directory.url());
    command("curl", &["-X", "PUT", &url, "-H", "content-type: application/json", "-d", &person.to_string()]);
    stage.directory.sign_in("desk.1", &person).await?;
    let katherine = who_is(stage, "Katherine").await?;
    say(
        "Nobody is to push them to the directory, which has them already: the object has noSync, and its status says so.",
    );
    let held = |person: &Value| condition(person, "Synced")["reason"].is_string();
    stage.people.until(&katherine, "told of", held).await?;
    stage.kubectl(&["get", "mymodels", "-o", "wide"]).await?;
    let shown = stage.kubectl(&["get", "mymodel", &katherine, "-o", FOUND]).await?;
    expect(shown.contains("noSync true") && shown.contains("xosManaged false"), "one that is not ours", shown)?;
    say("They leave, and so does the object.");
    command("curl", &["-X", "DELETE", &url]);
    stage.directory.sign_out("desk.1").await?;
    stage.people.gone(&katherine).await?;
    stage.kubectl(&["get", "mymodels"]).await.map(drop)
}

/// The name of the object of somebody with this first name, once there is one.
async fn who_is(stage: &Stage, first: &str) -> Result<String, Error> {
    let look = async || {
        let all = stage.people.all().await.map_err(|error| error.to_string())?;
        let one =
            all.iter().find(|person| person["spec"]["firstName"] == first).map(|person| name_of(person).to_owned());
        one.ok_or_else(|| format!("{} others", all.len()))
    };
    Ok(eventually(SOON, format!("an object of {first}"), look).await?)
}

async fn the_end(stage: &Stage) -> Result<(), Error> {
    say("Everybody is deleted; kubectl waits until the directory has forgotten them.");
    stage.kubectl(&["delete", "mymodel,team", "--all", WAIT]).await?;
    let left = stage.people.all().await?;
    // An object that a finalizer holds would still be listed.
    expect(left.is_empty(), "nobody left, and no finalizer", Value::from(left))?;
    stage.kubectl(&["get", "mymodels"]).await?;
    let names = stage.look_into_the_directory().await?;
    expect(names.is_empty(), "an empty directory", names.join(", "))
}

async fn somebody(stage: &Stage) -> Result<String, Error> {
    let people = stage.people.all().await?;
    Ok(people.first().map(name_of).unwrap_or_default().to_owned())
}

async fn patch(stage: &Stage, name: &str, last: &str) -> Result<(), Error> {
    let patch = json!({"spec": {"lastName": last}}).to_string();
    stage.kubectl(&["patch", "mymodel", name, "--type=merge", "-p", &patch]).await?;
    Ok(())
}

/// kubectl compares observedGeneration, so an old Ready does not count.
async fn ready_again(stage: &Stage, name: &str) -> Result<(), Error> {
    stage.kubectl(&["wait", "--for=condition=Ready", "mymodel", name, WAIT]).await?;
    let object = stage.people.ready(name).await?;
    output(&format!("Ready: {}", condition(&object, "Ready")["message"].as_str().unwrap_or_default()));
    Ok(())
}

async fn directory_has(stage: &Stage, people: &[Value]) -> Result<(), Error> {
    let mut expected: Vec<String> = people.iter().map(full_name).collect();
    let mut names = stage.look_into_the_directory().await?;
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
