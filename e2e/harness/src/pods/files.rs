//! The files of a pod, and where they are on this machine.
//!
//! A volume is a folder here. In texts (arguments, and the contents of ConfigMaps) its path in the container becomes that
//! of the folder; `0.0.0.0:<port>` becomes a free port of the loopback interface; `<service>.<namespace>.svc:<port>` the
//! port that stands for the Service.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1::{ConfigMap, Container, KeyToPath, Pod, Secret, Service, Volume};
use kube::{Api, ResourceExt as _};

use super::{Shared, process::Error};
use crate::files::at;

/// What stands for what in the texts of a pod.
#[derive(Debug, Default)]
pub(super) struct Words {
    pairs: Vec<(String, String)>,
    /// The port of this machine for each of the container's.
    pub(super) ports: BTreeMap<i32, u16>,
}

impl Words {
    pub(super) fn put(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (word, there)| text.replace(word, there))
    }
}

/// Makes the folders of the volumes, and returns what stands for what.
pub(super) async fn make(shared: &Shared, pod: &Pod, container: &Container, folder: &Path) -> Result<Words, Error> {
    let mut words = Words::default();
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let places: BTreeMap<_, _> =
        volumes.clone().map(|volume| (volume.name.clone(), folder.join(&volume.name))).collect();
    for mount in container.volume_mounts.iter().flatten() {
        if let Some(place) = places.get(&mount.name) {
            words.pairs.push((mount.mount_path.clone(), place.display().to_string()));
        }
    }
    // Longer paths first: one may begin with another.
    words.pairs.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    add_ports(shared, pod, container, &mut words).await?;
    for volume in volumes {
        if let Some(place) = places.get(&volume.name) {
            fill(shared, volume, place, &words).await?;
        }
    }
    Ok(words)
}

async fn add_ports(shared: &Shared, pod: &Pod, container: &Container, words: &mut Words) -> Result<(), Error> {
    let api: Api<Service> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let services = api.list(&Default::default()).await?.items;
    for service in &services {
        let Some(spec) = &service.spec else { continue };
        // A Service without an address stands for each pod.
        if spec.cluster_ip.as_deref() == Some("None") {
            continue;
        }
        let selector = spec.selector.clone().unwrap_or_default();
        let selects = !selector.is_empty() && selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value));
        for port in spec.ports.iter().flatten() {
            let here = shared.port_of(&service.name_any(), port.port)?;
            let name = format!("{}.{}.svc:{}", service.name_any(), shared.namespace, port.port);
            words.pairs.push((name, format!("127.0.0.1:{here}")));
            if selects {
                words.ports.insert(port.port, here);
            }
        }
    }
    for port in container.ports.iter().flatten() {
        let here = match words.ports.get(&port.container_port) {
            Some(here) => *here,
            None => crate::control::free_ports::<1>()?[0],
        };
        words.ports.insert(port.container_port, here);
        words.pairs.push((format!("0.0.0.0:{}", port.container_port), format!("127.0.0.1:{here}")));
    }
    Ok(())
}

async fn fill(shared: &Shared, volume: &Volume, place: &PathBuf, words: &Words) -> Result<(), Error> {
    fs::create_dir_all(place).map_err(at(place))?;
    let (items, contents) = if let Some(source) = &volume.config_map {
        let api: Api<ConfigMap> = Api::namespaced(shared.client.clone(), &shared.namespace);
        let data = api.get(&source.name).await?.data.unwrap_or_default();
        let texts = data.into_iter().map(|(key, text)| (key, words.put(&text).into_bytes()));
        (source.items.clone(), texts.collect::<BTreeMap<_, _>>())
    } else if let Some(source) = &volume.secret {
        let api: Api<Secret> = Api::namespaced(shared.client.clone(), &shared.namespace);
        let data = api.get(source.secret_name.as_deref().unwrap_or_default()).await?.data.unwrap_or_default();
        (source.items.clone(), data.into_iter().map(|(key, bytes)| (key, bytes.0)).collect())
    } else {
        return Ok(());
    };
    let all = || {
        contents.keys().map(|key| KeyToPath { key: key.clone(), path: key.clone(), ..KeyToPath::default() }).collect()
    };
    for item in items.unwrap_or_else(all) {
        let path = place.join(&item.path);
        let missing = || Error::NoKey { volume: volume.name.clone(), key: item.key.clone() };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        fs::write(&path, contents.get(&item.key).ok_or_else(missing)?).map_err(at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_words_go_first() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let words = Words {
            pairs: vec![pair("/etc/xos/config", "/t/c"), pair("/etc/xos", "/t/x"), pair("0.0.0.0:1", "127.0.0.1:2")],
            ports: BTreeMap::new(),
        };
        assert_eq!(words.put("a: /etc/xos/config/b, /etc/xos/d, 0.0.0.0:1"), "a: /t/c/b, /t/x/d, 127.0.0.1:2");
    }
}
