//! `make demo-helm` shows the chart on a node of its own, from its installation to its uninstallation.

use tokio::process::Command;
use xos_harness::paths;

use crate::images::built;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_the_chart_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("xos-example.tar");
    tokio::task::block_in_place(|| built("xos-example").0.write(&image)).unwrap();
    let mut demo = Command::new(paths::program("xos-demo-helm").unwrap());
    demo.arg("--image").arg(&image).current_dir(paths::repository()).kill_on_drop(true);
    let ended = demo.output().await.unwrap();
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{shown}\n{}", String::from_utf8_lossy(&ended.stderr));
    let steps = [
        "helm install demo charts/xos-controller",
        "mymodel.example.xos.opencord.org/ada condition met",
        "helm test demo",
        "is Ready after",
        "helm uninstall demo",
    ];
    for step in steps {
        assert!(shown.contains(step), "{step} is missing in\n{shown}");
    }
}
