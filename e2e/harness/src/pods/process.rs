//! The process of a pod.

use std::{fs, path::Path, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::{Api, ResourceExt as _};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Shared, files, status};
use crate::{
    files::{FileError, at},
    paths,
    process::{self, Child},
    synchronizer::{Access, AccessError},
};

/// How long a process may take to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before a process is started again, and between two looks at a probe.
const PAUSE: Duration = Duration::from_millis(200);

/// A pod cannot be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The API server refused.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A port.
    #[error("no free port: {0}")]
    Port(#[from] std::io::Error),
    /// Its program is not built.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Its token.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A file that a volume wants is in no ConfigMap or Secret.
    #[error("volume {volume} wants the key {key}, which is not there")]
    NoKey {
        /// The volume.
        volume: String,
        /// The key.
        key: String,
    },
    /// It has no container.
    #[error("it has no container")]
    NoContainer,
}

/// Runs a pod from its start until it is gone. A problem is tried again, as a kubelet does.
pub(super) async fn live(shared: Arc<Shared>, pod: Pod, stop: CancellationToken) {
    let api: Api<Pod> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let name = pod.name_any();
    let mut is_open = shared.is_open.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        _ = is_open.wait_for(|open| *open) => {}
    }
    let mut told = String::new();
    while !stop.is_cancelled() {
        match once(&shared, &api, &pod, &stop).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => {
                let error = error.to_string();
                if error != told {
                    eprintln!("pod {}/{name}: {error}", shared.namespace);
                    told = error;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(PAUSE) => {}
        }
    }
    stop.cancelled().await;
    while let Err(error) = status::release(&api, &name).await {
        eprintln!("pod {}/{name} is not released: {error}", shared.namespace);
        sleep(PAUSE).await;
    }
}

/// Runs the pod's process to its end. Returns whether that is the end of the pod.
async fn once(shared: &Shared, api: &Api<Pod>, pod: &Pod, stop: &CancellationToken) -> Result<bool, Error> {
    let name = pod.name_any();
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first()).ok_or(Error::NoContainer)?;
    let folder = shared.folder.join(&name);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let words = files::make(shared, pod, container, &folder).await?;
    status::hold(api, &name).await?;
    let mut child = start(shared, pod, container, &folder, &words).await?;
    status::running(api, &name, container).await?;
    let url = probe(container, &words);
    let ready = async {
        if let Some(url) = &url {
            while !answers(url).await {
                sleep(PAUSE).await;
            }
        }
        while let Err(error) = status::ready(api, &name, container).await {
            eprintln!("pod {name}: {error}");
            sleep(PAUSE).await;
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = child.wait() => Some(ended?),
        () = ready => None,
    };
    let Some(ended) = ended else {
        child.stop(PATIENCE).await?;
        return Ok(true);
    };
    let is_once = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) == Some("Never");
    if is_once {
        status::ended(api, &name, container, ended.code().unwrap_or(1)).await?;
    }
    Ok(is_once)
}

async fn start(
    shared: &Shared,
    pod: &Pod,
    container: &Container,
    folder: &Path,
    words: &files::Words,
) -> Result<Child, Error> {
    let spec = pod.spec.as_ref().ok_or(Error::NoContainer)?;
    let name = pod.name_any();
    let mut command = container.command.clone().unwrap_or_default().into_iter();
    // An image's entrypoint is the program of its name.
    let program =
        command.next().unwrap_or_else(|| entrypoint(container.image.as_deref().unwrap_or_default()).to_owned());
    let program = paths::program(Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or(&program))?;
    let arguments = command.chain(container.args.clone().unwrap_or_default()).map(|word| words.put(&word));
    let account = spec.service_account_name.clone().unwrap_or_else(|| "default".to_owned());
    let access = if spec.automount_service_account_token == Some(false) {
        None
    } else {
        let access = Access::of_account(&shared.admin, &shared.client, &shared.namespace, &account, folder);
        Some(access.await?)
    };
    let env = container.env.iter().flatten().filter_map(|one| Some((one.name.clone(), words.put(one.value.as_ref()?))));
    let log = shared.folder.join(format!("{name}.log"));
    let child = Child::start(&name, &log, &program, |process| {
        process
            .args(arguments)
            .env("HOSTNAME", &name)
            .env_remove("RUST_LOG")
            .envs(shared.env.iter().cloned())
            .envs(env);
        match &access {
            Some(access) => process.env("KUBECONFIG", access.kubeconfig()),
            None => process.env_remove("KUBECONFIG"),
        };
    });
    Ok(child?)
}

/// Returns the program that an image starts.
fn entrypoint(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.starts_with("xos-example") { "example-synchronizer" } else { "xos" }
}

/// Returns the URL of the readiness probe.
fn probe(container: &Container, words: &files::Words) -> Option<String> {
    let get = container.readiness_probe.as_ref()?.http_get.as_ref()?;
    // By name; the chart's containers have one port.
    let port = words.ports.get(&container.ports.as_ref()?.first()?.container_port)?;
    Some(format!("http://127.0.0.1:{port}{}", get.path.as_deref().unwrap_or("/")))
}

async fn answers(url: &str) -> bool {
    crate::choose_cryptography();
    matches!(reqwest::get(url).await, Ok(answer) if answer.status().is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_entrypoints() {
        assert_eq!(entrypoint("docker.io/library/xos-example:0.1.0"), "example-synchronizer");
        assert_eq!(entrypoint("xos-controller:0.1.0"), "xos");
    }
}
