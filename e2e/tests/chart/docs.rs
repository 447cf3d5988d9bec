//! docs/installing.md shows what happens.

use std::fs;

use xos_harness::{
    helm::{Helm, chart},
    paths,
};

#[tokio::test]
async fn the_page_shows_what_helm_says_of_a_misspelt_key() {
    let page = fs::read_to_string(paths::repository().join("docs/installing.md")).unwrap();
    let command = "$ helm install demo charts/xos-controller --set replcas=2\n";
    let shown = page.split(command).nth(1).unwrap().split("```").next().unwrap();
    let home = tempfile::tempdir().unwrap();
    let helm = Helm::alone(home.path()).await.unwrap();
    let refused = helm
        .run(&["install", "demo", "charts/xos-controller", "--set", "replcas=2", "--dry-run=client"])
        .await
        .unwrap();
    assert!(!refused.status.success());
    assert_eq!(refused.stderr.trim_end(), shown.trim_end());
}

/// The page names values; each of them is one.
#[test]
fn the_values_that_the_page_names_exist() {
    let page = fs::read_to_string(paths::repository().join("docs/installing.md")).unwrap();
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let mut count = 0;
    for named in page.split('`').skip(1).step_by(2) {
        let key = named.split(':').next().unwrap_or(named);
        let is_key = key.contains('.') && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        let first = key.split('.').next().unwrap_or_default();
        if is_key && values.get(first).is_some() {
            let value = key.split('.').fold(&values, |value, part| &value[part]);
            assert!(!value.is_null(), "{key}");
            count += 1;
        }
    }
    assert!(count > 8, "{count}");
}
