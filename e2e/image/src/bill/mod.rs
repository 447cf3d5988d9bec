//! What is in an image (SBOM): a document after CycloneDX 1.6, of the crates of the programs and Debian's packages.

mod crates;

use serde_json::{Value, json};

pub use crates::{Crate, Crates, Error, of_packages};

use crate::{debian::Package, origin::Origin};

/// Returns the document for the image `name`.
#[must_use]
pub fn document(name: &str, origin: &Origin, crates: &Crates, packages: &[Package]) -> Value {
    let image = format!("{name}:{}", origin.version);
    let mut components: Vec<Value> = crates.all().map(of_crate).collect();
    components.extend(packages.iter().map(of_package));
    let mut dependencies: Vec<Value> =
        crates.all().map(|one| json!({"ref": one.url(), "dependsOn": crates.used_by(one)})).collect();
    let uses = crates.roots().map(Crate::url).chain(packages.iter().map(url_of_package));
    dependencies.push(json!({"ref": image, "dependsOn": uses.collect::<Vec<_>>()}));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": origin.time(),
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": name,
                "version": origin.version,
                "properties": [{"name": "org.opencontainers.image.revision", "value": origin.revision}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn of_crate(one: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": one.url(),
        "name": one.name,
        "version": one.version,
        "purl": one.url(),
    });
    if let Some(licence) = one.expression() {
        component["licenses"] = json!([{"expression": licence}]);
    }
    component
}

fn of_package(package: &Package) -> Value {
    let url = url_of_package(package);
    json!({"type": "library", "bom-ref": url, "name": package.name, "version": package.version, "purl": url})
}

fn url_of_package(package: &Package) -> String {
    let Package { name, version, architecture, .. } = package;
    format!("pkg:deb/debian/{}@{}?arch={architecture}", name.replace('+', "%2B"), escaped(version))
}

/// Escapes what a package URL cannot have in a version.
fn escaped(version: &str) -> String {
    version.replace('+', "%2B").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_leads_to_programs_and_they_to_their_crates() {
        let origin = Origin { version: "1".into(), revision: "abc".into(), changed: 0 };
        let crates = crates::sample();
        let document = document("xos", &origin, &crates, &[]);
        let dependencies = document["dependencies"].as_array().unwrap();
        let of = |name: &str| dependencies.iter().find(|one| one["ref"] == name).unwrap()["dependsOn"].clone();
        assert_eq!(of("xos:1"), json!(["pkg:cargo/xos@1.0.0"]));
        assert_eq!(of("pkg:cargo/xos@1.0.0"), json!(["pkg:cargo/serde@1.0.1"]));
        let licences = document["components"].as_array().unwrap();
        let serde = licences.iter().find(|one| one["name"] == "serde").unwrap();
        assert_eq!(serde["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }

    #[test]
    fn versions_are_written_as_in_urls() {
        assert_eq!(escaped("1:2.36-9+deb12u10"), "1%3A2.36-9%2Bdeb12u10");
    }
}
