//! One broker, with its folder and its port.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use super::{Client, Error, Guard, Libraries, Listener, libraries::run};
use crate::{control, files::write_secret, process::Child, wait::eventually};

/// How long the start may take. It takes seconds when the machine is idle.
const STARTED: Duration = Duration::from_secs(120);
/// How long it may take to write its data and end.
const STOPPED: Duration = Duration::from_secs(60);
/// The configuration of a broker for tests: it is small and quick, and soon notices consumers that are gone.
const PROPERTIES: &str = "process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,PODS:PLAINTEXT
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.partitions=3
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
";
/// The rights of a guarded broker: those of the open listener may everything, the others what they are not denied.
const RIGHTS: &str = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
";

/// The id of the cluster: any 16 bytes in base64.
const CLUSTER: &str = "eG9zLWUyZS1rYWZrYS0wMQ";

/// The port at which pods reach a broker.
pub const PODS_PORT: u16 = 9092;

/// Where pods of a node reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForPods {
    /// This machine's address, as the node sees it.
    pub address: Ipv4Addr,
    /// The name by which pods know the broker: that of a Service which leads here.
    pub name: String,
}

/// A broker. It is killed when the thread that started it ends.
#[derive(Debug)]
pub struct Broker {
    libraries: Libraries,
    folder: PathBuf,
    ports: Ports,
    pods: Option<ForPods>,
    child: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    open: u16,
    controller: u16,
    guarded: [u16; Listener::ALL.len()],
}

impl Broker {
    /// Starts a broker with its data in `folder`, and waits until it answers.
    ///
    /// # Errors
    /// When Kafka cannot be fetched, or the broker does not start.
    pub async fn start(folder: &Path) -> Result<Self, Error> {
        Self::start_with(folder, None, None).await
    }

    /// Starts a broker that pods of a node reach, too.
    ///
    /// # Errors
    /// When Kafka cannot be fetched, or the broker does not start.
    pub async fn start_for_pods(folder: &Path, pods: ForPods) -> Result<Self, Error> {
        Self::start_with(folder, None, Some(pods)).await
    }

    /// Starts a broker that also has listeners with TLS and passwords.
    ///
    /// # Errors
    /// When Kafka cannot be fetched, or the broker does not start.
    pub async fn start_guarded(folder: &Path, guard: &Guard) -> Result<Self, Error> {
        Self::start_with(folder, Some(guard), None).await
    }

    async fn start_with(folder: &Path, guard: Option<&Guard>, pods: Option<ForPods>) -> Result<Self, Error> {
        let libraries = tokio::task::spawn_blocking(Libraries::ready).await.map_err(|_| Error::CutShort)??;
        let [open, controller, guarded @ ..] = control::free_ports::<{ 2 + Listener::ALL.len() }>()?;
        let ports = Ports { open, controller, guarded };
        let mut broker = Self { libraries, folder: folder.to_owned(), ports, pods, child: None };
        fs::create_dir_all(folder)?;
        broker.configure(guard)?;
        broker.format(guard)?;
        broker.start_again().await?;
        Ok(broker)
    }

    /// Changes the secrets for the next start. The password of SCRAM stays the same.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn guard(&self, guard: &Guard) -> Result<(), Error> {
        self.configure(Some(guard))
    }

    /// Returns the address for clients with certificates or passwords. Only a broker of [`Broker::start_guarded`]
    /// listens there.
    #[must_use]
    pub fn guarded_endpoint(&self, listener: Listener) -> String {
        let ports = Listener::ALL.into_iter().zip(self.ports.guarded);
        let port = ports.filter(|(one, _)| *one == listener).map(|(_, port)| port).next().unwrap_or_default();
        format!("127.0.0.1:{port}")
    }

    /// Returns the address of the broker, for `event_bus.endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.ports.open)
    }

    /// Returns the path of the broker's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("broker.log")
    }

    /// Starts the broker again with the data that it has.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        let class_path = self.libraries.class_path();
        let child = Child::start("kafka", &self.log(), Path::new("java"), |command| {
            command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]).arg(class_path);
            command.arg("kafka.Kafka").arg(self.properties());
        })?;
        let child = self.child.insert(child);
        let client = Client::new(&format!("127.0.0.1:{}", self.ports.open));
        tokio::select! {
            ready = eventually(STARTED, "the broker to answer", async || client.answers().await) => ready?,
            ended = child.wait() => {
                let end = crate::process::tail(child.log(), 15);
                return Err(Error::Failed { what: format!("the broker ({})", ended?), end });
            }
        }
        Ok(())
    }

    /// Asks the broker to end, and waits until it has ended.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn stop(&mut self) -> Result<(), Error> {
        if let Some(mut child) = self.child.take() {
            child.stop(STOPPED).await?;
        }
        Ok(())
    }

    /// Kills the broker.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), Error> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Sends a signal to the broker: SIGSTOP has it stand still, SIGCONT go on.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        Ok(self.child.as_ref().and_then(Child::id).map_or(Ok(()), |id| crate::process::signal(id, signal))?)
    }

    /// Waits until the broker ends by itself.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn wait(&mut self) -> Result<(), Error> {
        match &mut self.child {
            Some(child) => child.wait().await.map(drop).map_err(Error::from),
            None => std::future::pending().await,
        }
    }

    /// Runs one of Kafka's own tools, such as `org.apache.kafka.tools.ConsoleProducer`, with `input`.
    ///
    /// # Errors
    /// When it fails.
    pub fn tool(&self, class: &str, arguments: &[&str], input: &str) -> Result<String, Error> {
        tool(&self.libraries, &self.endpoint(), class, arguments, input)
    }

    /// Takes the right to an operation (`Read`, `Write`) on a topic or group away from [`USERNAME`](super::USERNAME), or
    /// gives it back. Only a guarded broker knows rights. Blocks.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn deny(&self, operation: &str, on: (&str, &str), is_denied: bool) -> Result<(), Error> {
        let (kind, name) = on;
        let change = if is_denied { "--add" } else { "--remove" };
        let kind = format!("--{kind}");
        let user = format!("User:{}", super::USERNAME);
        let mut arguments = vec![change, "--deny-principal", &user, "--operation", operation, &kind, name];
        if !is_denied {
            arguments.push("--force");
        }
        // One that may do everything, for all: where there is any rule, what no rule allows is denied.
        let allowed = [change, "--allow-principal", "User:*", "--operation", "All", &kind, name];
        let class = "org.apache.kafka.tools.AclCommand";
        if is_denied {
            self.tool(class, &allowed, "")?;
        }
        self.tool(class, &arguments, "").map(drop)
    }

    fn properties(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn configure(&self, guard: Option<&Guard>) -> Result<(), Error> {
        let Ports { open, controller, .. } = self.ports;
        let data = self.folder.join("data");
        let mut advertised = format!("PLAINTEXT://127.0.0.1:{open}");
        if guard.is_some() {
            for listener in Listener::ALL {
                advertised += &format!(",{}://{}", listener.name(), self.guarded_endpoint(listener));
            }
        }
        let mut listeners = advertised.clone();
        if let Some(ForPods { address, name }) = &self.pods {
            listeners += &format!(",PODS://{address}:{PODS_PORT}");
            advertised += &format!(",PODS://{name}:{PODS_PORT}");
        }
        let guard = match guard {
            Some(guard) => guard.broker(&self.folder)? + RIGHTS,
            None => String::new(),
        };
        let text = format!(
            "{PROPERTIES}listeners={listeners},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners={advertised}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n{guard}",
            data.display()
        );
        Ok(write_secret(&self.properties(), &text)?)
    }

    /// Loses all data of a broker that is stopped. It starts as another cluster then, with this id: 16 bytes in base64.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        fs::remove_dir_all(self.folder.join("data"))?;
        self.format_as(id, None)
    }

    fn format(&self, guard: Option<&Guard>) -> Result<(), Error> {
        self.format_as(CLUSTER, guard)
    }

    fn format_as(&self, id: &str, guard: Option<&Guard>) -> Result<(), Error> {
        let mut java = Command::new("java");
        java.arg("-cp").arg(self.libraries.class_path()).args(["kafka.tools.StorageTool", "format", "-t"]);
        java.args([id, "-c"]).arg(self.properties());
        if let Some(guard) = guard {
            java.args(["--add-scram", &guard.scram()]);
        }
        run("formatting the broker's storage", &mut java, "java", "openjdk-17-jre-headless").map(drop)
    }
}

/// Runs one of Kafka's own tools against a broker.
pub(super) fn tool(
    libraries: &Libraries,
    endpoint: &str,
    class: &str,
    arguments: &[&str],
    input: &str,
) -> Result<String, Error> {
    use std::io::Write as _;
    let mut java = Command::new("java");
    java.arg("-cp").arg(libraries.class_path()).args([class, "--bootstrap-server", endpoint]).args(arguments);
    java.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = java.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(all) } else { Err(Error::Failed { what: class.to_owned(), end: all }) }
}
