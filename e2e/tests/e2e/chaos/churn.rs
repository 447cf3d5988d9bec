//! An operator who creates, changes and deletes objects at random, and knows the expected result.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IteratorRandom as _};
use serde_json::{Value, json};
use xos_harness::example::{is_observed, is_ready};
use xos_harness::inprocess::{Error, Objects};
use xos_model::names::TOUCH_ANNOTATION;

use super::backend::Backend;

/// The kinds, in the order of their links.
const MODELS: [&str; 3] = ["Site", "Slice", "Port"];
/// How many slices there are for each site.
const SLICES_PER_SITE: usize = 5;
/// How many differences an error shows.
const TOLD: usize = 5;

/// Returns whether each pass has handled the last touch of an object. It stays Ready until the controller sees it.
fn is_touch_handled(object: &Value) -> bool {
    let Some(touch) = object["metadata"]["annotations"][TOUCH_ANNOTATION].as_str() else { return true };
    let passes = ["policy", "sync"].map(|pass| &object["status"]["synchronizers"][0][pass]);
    passes.iter().all(|pass| pass.as_str().is_none_or(|state| state.contains(touch)))
}

/// The operator.
pub(crate) struct Churn {
    objects: Objects,
    random: StdRng,
    /// Each site's region.
    sites: BTreeMap<String, Option<String>>,
    /// Each slice's site and size.
    slices: BTreeMap<String, (String, u64)>,
    /// Names that may be used again.
    free: BTreeSet<String>,
    count: u64,
    edits: BTreeMap<&'static str, usize>,
}

impl Churn {
    /// Returns an operator who has not done anything yet.
    pub(crate) fn new(objects: Objects, seed: u64) -> Self {
        Self {
            objects,
            random: StdRng::seed_from_u64(seed),
            sites: BTreeMap::new(),
            slices: BTreeMap::new(),
            free: BTreeSet::new(),
            count: 0,
            edits: BTreeMap::new(),
        }
    }

    /// How often each kind of change was made.
    pub(crate) fn edits(&self) -> &BTreeMap<&'static str, usize> {
        &self.edits
    }

    /// Returns how many objects there should be.
    pub(crate) fn len(&self) -> usize {
        self.sites.len() + 2 * self.slices.len()
    }

    /// Returns a new number, so that each wanted value is new.
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Creates objects until there are that many.
    pub(crate) async fn fill(&mut self, objects: usize) -> Result<(), Error> {
        while self.len() < objects {
            if self.sites.len() * SLICES_PER_SITE <= self.slices.len() {
                self.create_site().await?;
            } else {
                self.create_slice().await?;
            }
        }
        Ok(())
    }

    /// Makes a random change.
    pub(crate) async fn act(&mut self) -> Result<(), Error> {
        let what = match self.random.random_range(0..100) {
            0..40 => self.resize().await?,
            40..50 => self.resize_and_back().await?,
            50..60 => self.touch().await?,
            60..68 => self.change_region().await?,
            68..78 => self.move_slice().await?,
            78..88 => self.delete_slice().await?,
            88..90 => self.delete_site().await?,
            90..98 => self.create_slice().await?,
            _ => self.create_site().await?,
        };
        *self.edits.entry(what).or_default() += 1;
        Ok(())
    }

    fn any_slice(&mut self) -> Option<String> {
        self.slices.keys().choose(&mut self.random).cloned()
    }

    fn any_site(&mut self) -> Option<String> {
        self.sites.keys().choose(&mut self.random).cloned()
    }

    async fn create_site(&mut self) -> Result<&'static str, Error> {
        // A site's name is never used again, because a slice with a link to it could mean the old one.
        let name = format!("site-{}", self.next());
        self.objects.create("Site", &name, json!({})).await?;
        self.sites.insert(name, None);
        Ok("site made")
    }

    async fn create_slice(&mut self) -> Result<&'static str, Error> {
        let Some(site) = self.any_site() else { return self.create_site().await };
        let used = self.free.iter().choose(&mut self.random).cloned().filter(|_| self.random.random_bool(0.7));
        let name = match used {
            Some(name) if self.objects.get("Slice", &name).await?.is_null() => name,
            _ => format!("slice-{}", self.next()),
        };
        let size = self.next();
        self.objects.create("Slice", &name, json!({"site": {"name": site}, "size": size})).await?;
        self.free.remove(&name);
        self.slices.insert(name, (site, size));
        Ok("slice made")
    }

    async fn set_size(&mut self, name: &str, size: u64) -> Result<(), Error> {
        self.objects.edit("Slice", name, json!({ "size": size })).await?;
        if let Some((_, known)) = self.slices.get_mut(name) {
            *known = size;
        }
        Ok(())
    }

    async fn resize(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_slice() else { return Ok("nothing") };
        let size = self.next();
        self.set_size(&name, size).await?;
        Ok("slice resized")
    }

    /// Makes a change and takes it back, maybe while the controller handles it.
    async fn resize_and_back(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_slice() else { return Ok("nothing") };
        let before = self.slices.get(&name).map_or(0, |(_, size)| *size);
        let size = self.next();
        self.set_size(&name, size).await?;
        self.set_size(&name, before).await?;
        Ok("slice resized and back")
    }

    async fn touch(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_slice() else { return Ok("nothing") };
        let token = self.next().to_string();
        let patch = json!({"metadata": {"annotations": {TOUCH_ANNOTATION: token}}});
        self.objects.patch("Slice", &name, patch).await?;
        Ok("slice touched")
    }

    async fn change_region(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_site() else { return Ok("nothing") };
        let region = format!("region {}", self.next());
        self.objects.edit("Site", &name, json!({ "region": region })).await?;
        self.sites.insert(name, Some(region));
        Ok("site moved")
    }

    async fn move_slice(&mut self) -> Result<&'static str, Error> {
        let (Some(name), Some(site)) = (self.any_slice(), self.any_site()) else { return Ok("nothing") };
        self.objects.edit("Slice", &name, json!({"site": {"name": site}})).await?;
        if let Some((known, _)) = self.slices.get_mut(&name) {
            *known = site;
        }
        Ok("slice moved")
    }

    async fn delete_slice(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_slice() else { return Ok("nothing") };
        self.objects.delete("Slice", &name).await?;
        self.slices.remove(&name);
        self.free.insert(name);
        Ok("slice deleted")
    }

    /// Deletes a site; its slices are deleted with it. A slice that the controller has not seen yet would be left
    /// behind and wait, so nothing is done in that case.
    async fn delete_site(&mut self) -> Result<&'static str, Error> {
        let Some(name) = self.any_site() else { return Ok("nothing") };
        let slices: Vec<_> =
            self.slices.iter().filter(|(_, (site, _))| *site == name).map(|(slice, _)| slice).collect();
        for slice in slices {
            if !is_observed(&self.objects.get("Slice", slice).await?) {
                return Ok("nothing");
            }
        }
        self.objects.delete("Site", &name).await?;
        self.sites.remove(&name);
        self.slices.retain(|_, (site, _)| *site != name);
        Ok("site deleted")
    }

    /// Returns what should be in the backend.
    pub(crate) fn things(&self) -> BTreeMap<String, Value> {
        let sites = self.sites.iter().map(|(name, region)| (format!("Site/{name}"), json!({ "region": region })));
        let slices = self.slices.iter().map(|(name, (site, size))| {
            let thing = json!({
                "size": size, "label": format!("{name} of size {size}"), "macs": [format!("mac of {name}-port")],
                "region": self.sites.get(site),
            });
            (format!("Slice/{name}"), thing)
        });
        let ports = self.slices.keys().map(|name| (format!("Port/{name}-port"), json!({ "of": name })));
        sites.chain(slices).chain(ports).collect()
    }

    /// Checks that backend and objects are as expected.
    pub(crate) async fn check(&self, backend: &Backend) -> Result<(), String> {
        let expected = self.things();
        let got = backend.things();
        let mut wrong: Vec<String> = expected
            .keys()
            .chain(got.keys())
            .filter(|key| expected.get(*key) != got.get(*key))
            .map(|key| format!("backend {key}: {:?} instead of {:?}", got.get(key), expected.get(key)))
            .collect();
        let mut seen = BTreeSet::new();
        for model in MODELS {
            for object in self.objects.all(model).await.map_err(|error| error.to_string())? {
                let key = format!("{model}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
                if !expected.contains_key(&key)
                    || !is_ready(&object)
                    || !is_touch_handled(&object)
                    || object["metadata"]["deletionTimestamp"].is_string()
                {
                    wrong.push(format!("{key}: {object}"));
                }
                seen.insert(key);
            }
        }
        wrong.extend(expected.keys().filter(|key| !seen.contains(*key)).map(|key| format!("{key} is missing")));
        wrong.truncate(TOLD);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}
