//! An image as one file: the layout of the OCI image specification, in a tar archive.

use std::{collections::HashMap, fs, io, path::Path, str::FromStr as _};

use oci_spec::{
    OciSpecError,
    image::{
        ANNOTATION_REF_NAME, Arch, ConfigBuilder, Descriptor, DescriptorBuilder, HistoryBuilder,
        ImageConfigurationBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os, PlatformBuilder,
        RootFsBuilder, SCHEMA_VERSION, Sha256Digest,
    },
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::layer::Layer;

/// By this annotation containerd knows the image's name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A part of the description is missing or wrong.
    #[error("the image's description is not complete")]
    Specification(#[from] OciSpecError),
    /// It cannot be written as JSON.
    #[error("the image's description cannot be written")]
    Json(#[from] serde_json::Error),
    /// A file cannot be packed or written.
    #[error("the image cannot be written")]
    Write(#[from] io::Error),
}

/// An image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The name without its tag, as `docker.io/library/xos-controller`.
    pub name: String,
    /// The tag.
    pub tag: String,
    /// The layers, the lowest first, each with what it is.
    pub layers: Vec<(String, Layer)>,
    /// The command that containers begin with.
    pub entrypoint: Vec<String>,
    /// Its arguments, where none are given.
    pub arguments: Vec<String>,
    /// User and group, as `65532:65532`.
    pub user: String,
    /// Environment variables, as `A=b`.
    pub environment: Vec<String>,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// When it was made, in seconds since 1970, and the same as text (RFC 3339).
    pub created: (u64, String),
}

impl Image {
    /// Writes the archive, and returns the digest of the image's manifest. The same image makes the same file.
    ///
    /// # Errors
    /// When the description is not complete, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<String, Error> {
        let (archive, digest) = self.archive()?;
        fs::write(path, archive)?;
        Ok(digest)
    }

    /// Returns the archive, and the digest of the image's manifest.
    ///
    /// # Errors
    /// When the description is not complete.
    pub fn archive(&self) -> Result<(Vec<u8>, String), Error> {
        let mut blobs = Blobs::default();
        let mut layers = Vec::new();
        let mut contents = Vec::new();
        for (_, layer) in &self.layers {
            let packed = layer.pack(self.created.0)?;
            contents.push(format!("sha256:{}", hex(&packed.tar)));
            layers.push(blobs.put(packed.gzip, MediaType::ImageLayerGzip)?);
        }
        let config = blobs.put(self.config(contents)?, MediaType::ImageConfig)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(layers)
            .annotations(self.labels())
            .build()?;
        let manifest = blobs.descriptor(json(&manifest)?, MediaType::ImageManifest)?;
        let platform = PlatformBuilder::default().architecture(Arch::default()).os(Os::Linux).build()?;
        let names = [(CONTAINERD_NAME, format!("{}:{}", self.name, self.tag)), (ANNOTATION_REF_NAME, self.tag.clone())];
        let names: HashMap<_, _> = names.map(|(key, value)| (key.to_owned(), value)).into();
        let manifest = manifest.platform(platform).annotations(names).build()?;
        let digest = manifest.digest().to_string();
        let index = ImageIndexBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![manifest])
            .build()?;
        let mut files = Layer::default().file("oci-layout", 0o644, r#"{"imageLayoutVersion":"1.0.0"}"#);
        for (name, content) in blobs.0 {
            files = files.file(format!("blobs/sha256/{name}"), 0o644, content);
        }
        let files = files.file("index.json", 0o644, json(&index)?);
        Ok((files.pack(self.created.0)?.tar, digest))
    }

    fn config(&self, contents: Vec<String>) -> Result<Vec<u8>, Error> {
        let created = &self.created.1;
        let config = ConfigBuilder::default()
            .user(&self.user)
            .env(self.environment.clone())
            .entrypoint(self.entrypoint.clone())
            .cmd(self.arguments.clone())
            .working_dir("/")
            .labels(self.labels())
            .build()?;
        let history = |(what, _): &(String, Layer)| HistoryBuilder::default().created(created).created_by(what).build();
        let configuration = ImageConfigurationBuilder::default()
            .created(created)
            .architecture(Arch::default())
            .os(Os::Linux)
            .config(config)
            .rootfs(RootFsBuilder::default().typ("layers").diff_ids(contents).build()?)
            .history(self.layers.iter().map(history).collect::<Result<Vec<_>, _>>()?)
            .build()?;
        json(&configuration)
    }

    fn labels(&self) -> HashMap<String, String> {
        self.labels.iter().cloned().collect()
    }
}

/// Files by their digests.
#[derive(Default)]
struct Blobs(Vec<(String, Vec<u8>)>);

impl Blobs {
    fn put(&mut self, content: Vec<u8>, kind: MediaType) -> Result<Descriptor, Error> {
        Ok(self.descriptor(content, kind)?.build()?)
    }

    fn descriptor(&mut self, content: Vec<u8>, kind: MediaType) -> Result<DescriptorBuilder, Error> {
        let digest = hex(&content);
        let builder = DescriptorBuilder::default()
            .media_type(kind)
            .size(content.len() as u64)
            .digest(Sha256Digest::from_str(&digest)?);
        self.0.push((digest, content));
        Ok(builder)
    }
}

/// Returns JSON with its keys in order: those of a `HashMap` would be in another one each time.
fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let value = serde_json::to_value(value)?;
    Ok(serde_json::to_vec(&value)?)
}

fn hex(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest};

    use super::*;

    fn sample() -> Image {
        let labels = ["version", "revision", "source", "licenses"];
        Image {
            name: "docker.io/library/sample".into(),
            tag: "1".into(),
            layers: vec![("sample".into(), Layer::default().file("/sample", 0o755, "program"))],
            entrypoint: vec!["/sample".into()],
            arguments: vec![],
            user: "65532:65532".into(),
            environment: vec!["A=b".into()],
            labels: labels.map(|label| (format!("org.opencontainers.image.{label}"), label.to_owned())).to_vec(),
            created: (7, "1970-01-01T00:00:07Z".into()),
        }
    }

    fn file(archive: &[u8], path: &str) -> Vec<u8> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let mut entry = entries.into_iter().find(|entry| entry.path().unwrap() == Path::new(path)).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn the_same_image_makes_the_same_archive() {
        let (first, digest) = sample().archive().unwrap();
        for _ in 0..20 {
            assert!(sample().archive().unwrap() == (first.clone(), digest.clone()));
        }
    }

    #[test]
    fn every_part_is_where_its_digest_says() {
        let (archive, digest) = sample().archive().unwrap();
        let blob = |digest: &str| {
            let content = file(&archive, &format!("blobs/{}", digest.replace(':', "/")));
            assert_eq!(format!("sha256:{}", hex(&content)), digest);
            content
        };
        let index = ImageIndex::from_reader(file(&archive, "index.json").as_slice()).unwrap();
        let [described] = &index.manifests()[..] else { panic!("{index:?}") };
        assert_eq!(described.digest().to_string(), digest);
        let names = described.annotations().as_ref().unwrap();
        assert_eq!(names[CONTAINERD_NAME], "docker.io/library/sample:1");
        let manifest = ImageManifest::from_reader(blob(&digest).as_slice()).unwrap();
        let config = blob(manifest.config().digest().as_ref());
        let config = ImageConfiguration::from_reader(config.as_slice()).unwrap();
        let mut tar = Vec::new();
        let layer = blob(manifest.layers()[0].digest().as_ref());
        io::copy(&mut flate2::read::GzDecoder::new(layer.as_slice()), &mut tar).unwrap();
        assert_eq!(config.rootfs().diff_ids()[..], [format!("sha256:{}", hex(&tar))]);
        let settings = config.config().as_ref().unwrap();
        assert_eq!(settings.user().as_deref(), Some("65532:65532"));
        assert_eq!(settings.labels().as_ref().unwrap()["org.opencontainers.image.revision"], "revision");
    }
}
