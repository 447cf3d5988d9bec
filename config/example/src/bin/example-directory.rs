//! `example-directory`: a directory of people over HTTP, the backend of the example synchronizer.
//!
//! People are kept in a JSON file, an object with a member for each id, or only in memory. For tests it can be told to
//! fail, and counts its writes.

use std::{
    collections::BTreeMap,
    fs,
    future::IntoFuture as _,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path as FilePath, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// A directory of people over HTTP, kept in a file or in memory.
///
/// PUT, GET and DELETE /people/{id}; PUT and DELETE /teams/{id}; GET /people and /teams. A person's team has to exist
/// before the person, and a team with people in it cannot be deleted. GET /stats counts the writes of each id. POST
/// /fail with {"status": 503, "message": "closed"} makes every later write answer so, until DELETE /fail.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one. The first line of output shows it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The file with the people; it is created if it does not exist. Without it they are gone when the program ends
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("example-directory: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let directory = Directory::open(arguments.file)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let mut out = io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    // A client that keeps its connection open does not delay the end: every answer is written at once.
    tokio::select! {
        served = axum::serve(listener, router(directory)).into_future() => served,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

fn router(directory: Directory) -> Router {
    Router::new()
        .route("/people", get(people))
        .route("/people/{id}", put(put_person).get(person).delete(delete_person))
        .route("/teams", get(teams))
        .route("/teams/{id}", put(put_team).delete(delete_team))
        .route("/stats", get(stats))
        .route("/fail", post(fail).delete(recover))
        .with_state(Shared(Arc::new(Mutex::new(directory))))
}

/// A person in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    first_name: String,
    last_name: String,
    full_name: String,
    /// The id of the person's team.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    team: Option<String>,
}

/// A team in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Team {
    name: String,
}

/// What is kept in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    people: BTreeMap<String, Person>,
    teams: BTreeMap<String, Team>,
}

/// How writes are refused.
#[derive(Clone, Debug, Deserialize)]
struct Failure {
    status: u16,
    message: String,
}

/// How often each id was written.
#[derive(Clone, Debug, Default, Serialize)]
struct Stats {
    puts: BTreeMap<String, u64>,
    deletes: BTreeMap<String, u64>,
    /// Writes of both kinds that were told to fail.
    refused: BTreeMap<String, u64>,
}

struct Directory {
    file: Option<PathBuf>,
    kept: Kept,
    failure: Option<Failure>,
    stats: Stats,
}

impl Directory {
    fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let kept = file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self { file, kept, failure: None, stats: Stats::default() })
    }

    /// Returns an error if writes were told to fail.
    fn open_for(&mut self, id: &str) -> Result<(), Refusal> {
        let Some(failure) = &self.failure else {
            return Ok(());
        };
        *self.stats.refused.entry(id.to_owned()).or_default() += 1;
        let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Err(Refusal(status, failure.message.clone()))
    }

    /// Writes a person. Returns whether the person is new.
    fn put(&mut self, id: &str, person: Person) -> Result<bool, Refusal> {
        self.open_for(id)?;
        if let Some(team) = person.team.as_ref().filter(|team| !self.kept.teams.contains_key(*team)) {
            return Err(Refusal(StatusCode::CONFLICT, format!("there is no team {team}")));
        }
        let new = self.change(|kept| Ok(kept.people.insert(id.to_owned(), person).is_none()))?;
        *self.stats.puts.entry(id.to_owned()).or_default() += 1;
        Ok(new)
    }

    fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        self.open_for(id)?;
        *self.stats.deletes.entry(id.to_owned()).or_default() += 1;
        self.change(|kept| kept.people.remove(id).map(drop).ok_or_else(|| Refusal::unknown(id)))
    }

    /// Writes a team. Returns whether the team is new.
    fn put_team(&mut self, id: &str, team: Team) -> Result<bool, Refusal> {
        self.open_for(id)?;
        let new = self.change(|kept| Ok(kept.teams.insert(id.to_owned(), team).is_none()))?;
        *self.stats.puts.entry(format!("teams/{id}")).or_default() += 1;
        Ok(new)
    }

    fn delete_team(&mut self, id: &str) -> Result<(), Refusal> {
        self.open_for(id)?;
        *self.stats.deletes.entry(format!("teams/{id}")).or_default() += 1;
        if self.kept.people.values().any(|person| person.team.as_deref() == Some(id)) {
            return Err(Refusal(StatusCode::CONFLICT, format!("there are people in {id}")));
        }
        self.change(|kept| kept.teams.remove(id).map(drop).ok_or_else(|| Refusal::unknown(id)))
    }

    /// Changes the file, and then what is in memory. The file is never half written.
    fn change<T>(&mut self, change: impl FnOnce(&mut Kept) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let Some(file) = &self.file else { return change(&mut self.kept) };
        let mut kept = self.kept.clone();
        let changed = change(&mut kept)?;
        replace(file, &serde_json::to_vec_pretty(&kept).map_err(io::Error::from)?)?;
        self.kept = kept;
        Ok(changed)
    }
}

fn read(file: &FilePath) -> io::Result<Kept> {
    let wrong = |kind, error: &dyn std::fmt::Display| io::Error::new(kind, format!("{}: {error}", file.display()));
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| wrong(io::ErrorKind::InvalidData, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(wrong(error.kind(), &error)),
    }
}

fn replace(file: &FilePath, text: &[u8]) -> io::Result<()> {
    let mut making = file.as_os_str().to_owned();
    making.push(".new");
    fs::write(&making, text)?;
    fs::rename(&making, file)
}

/// The answer to a request that is refused.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(StatusCode, String);

impl Refusal {
    fn unknown(id: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("nobody here is called {id}"))
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, format!("the directory's file: {error}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Directory>>);

impl Shared {
    /// Returns the directory. It is complete even if a handler panicked: it is replaced in one step.
    fn lock(&self) -> MutexGuard<'_, Directory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn people(State(shared): State<Shared>) -> Json<BTreeMap<String, Person>> {
    Json(shared.lock().kept.people.clone())
}

async fn teams(State(shared): State<Shared>) -> Json<BTreeMap<String, Team>> {
    Json(shared.lock().kept.teams.clone())
}

async fn person(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Json<Person>, Refusal> {
    shared.lock().kept.people.get(&id).cloned().map(Json).ok_or_else(|| Refusal::unknown(&id))
}

async fn put_person(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Json(person): Json<Person>,
) -> Result<(StatusCode, Json<Person>), Refusal> {
    let new = shared.lock().put(&id, person.clone())?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(person)))
}

async fn delete_person(State(shared): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    shared.lock().delete(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_team(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Json(team): Json<Team>,
) -> Result<(StatusCode, Json<Team>), Refusal> {
    let new = shared.lock().put_team(&id, team.clone())?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(team)))
}

async fn delete_team(State(shared): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    shared.lock().delete_team(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stats(State(shared): State<Shared>) -> Json<Stats> {
    Json(shared.lock().stats.clone())
}

async fn fail(State(shared): State<Shared>, Json(failure): Json<Failure>) -> StatusCode {
    shared.lock().failure = Some(failure);
    StatusCode::NO_CONTENT
}

async fn recover(State(shared): State<Shared>) -> StatusCode {
    shared.lock().failure = None;
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory in a folder that is removed when the test ends.
    struct Fixture(PathBuf);

    impl Fixture {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("example-directory-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn open(&self) -> Directory {
            Directory::open(Some(self.0.join("people.json"))).unwrap()
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn ada() -> Person {
        Person { first_name: "Ada".into(), last_name: "Lovelace".into(), full_name: "Ada Lovelace".into(), team: None }
    }

    #[test]
    fn people_outlive_the_process() {
        let fixture = Fixture::new("outlive");
        assert!(fixture.open().put("a", ada()).unwrap());
        let mut again = fixture.open();
        assert_eq!(again.kept.people["a"], ada());
        assert!(!again.put("a", ada()).unwrap());
        again.delete("a").unwrap();
        assert!(fixture.open().kept.people.is_empty());
    }

    #[test]
    fn a_stranger_cannot_be_deleted() {
        let fixture = Fixture::new("stranger");
        let mut directory = fixture.open();
        assert_eq!(directory.delete("x").unwrap_err().0, StatusCode::NOT_FOUND);
        assert_eq!(directory.stats.deletes["x"], 1);
    }

    #[test]
    fn a_team_comes_before_its_people_and_goes_after_them() {
        let fixture = Fixture::new("teams");
        let mut directory = fixture.open();
        let member = || Person { team: Some("t".into()), ..ada() };
        assert_eq!(directory.put("a", member()).unwrap_err().0, StatusCode::CONFLICT);
        assert!(directory.put_team("t", Team { name: "T".into() }).unwrap());
        directory.put("a", member()).unwrap();
        assert_eq!(directory.delete_team("t").unwrap_err().0, StatusCode::CONFLICT);
        directory.delete("a").unwrap();
        directory.delete_team("t").unwrap();
        assert_eq!(directory.delete_team("t").unwrap_err().0, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_file_that_is_no_directory_is_refused() {
        let fixture = Fixture::new("broken");
        let file = fixture.0.join("people.json");
        fs::write(&file, "no").unwrap();
        let error = Directory::open(Some(file)).err().unwrap().to_string();
        assert!(error.contains("people.json"), "{error}");
    }

    #[tokio::test]
    async fn writes_fail_on_demand_and_reads_do_not() {
        let fixture = Fixture::new("fail");
        let shared = Shared(Arc::new(Mutex::new(fixture.open())));
        let write = || put_person(State(shared.clone()), Path("a".into()), Json(ada()));
        assert_eq!(write().await.unwrap().0, StatusCode::CREATED);
        let failure = Failure { status: 503, message: "closed".into() };
        fail(State(shared.clone()), Json(failure)).await;
        assert_eq!(write().await.err().unwrap(), Refusal(StatusCode::SERVICE_UNAVAILABLE, "closed".into()));
        assert_eq!(person(State(shared.clone()), Path("a".into())).await.unwrap().0, ada());
        recover(State(shared.clone())).await;
        assert_eq!(write().await.unwrap().0, StatusCode::OK);
        let stats = stats(State(shared.clone())).await.0;
        assert_eq!((stats.puts["a"], stats.refused["a"]), (2, 1));
    }
}
