//! The level of the log is changed while the controller runs.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use xos_harness::{eventually, example::SOON, process};

use crate::monitoring::Monitoring;
use crate::with_configured_example;

#[tokio::test]
async fn the_log_level_is_changed_at_run_time_by_command_and_by_configuration() {
    let monitoring = Monitoring::new();
    with_configured_example("log-level", &json!({ "monitoring_address": monitoring.address }), async |example| {
        let log = example.synchronizer.log().to_owned();
        let says = async |wanted: &str| {
            eventually(SOON, wanted, async || {
                let text = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
                if text.contains(wanted) { Ok(()) } else { Err(format!("the log does not say {wanted:?}")) }
            })
            .await
            .unwrap();
        };
        let debug = || std::fs::read_to_string(&log).unwrap().matches(" DEBUG ").count();
        let level = async |more: &[&str]| {
            let arguments = [&["loglevel", "--address", &*monitoring.address], more].concat();
            let program = xos_harness::paths::program("xos").unwrap();
            let output = tokio::process::Command::new(program).args(arguments).stdin(Stdio::null()).output();
            let output = output.await.unwrap();
            let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            (output.status.code(), printed.concat())
        };
        monitoring.ready().await;
        assert_eq!((level(&[]).await, debug()), ((Some(0), "info\n".to_owned()), 0));
        assert_eq!(level(&["info,xos_engine=debug"]).await, (Some(0), "xos_engine=debug,info\n".to_owned()));
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        says("call succeeded").await;
        let (code, told) = level(&["debugg"]).await;
        assert!(code == Some(1) && told.contains("`debugg` is no level"), "{told}");
        // The configuration says info.
        process::signal(example.synchronizer.id().unwrap(), Signal::HUP).unwrap();
        says("the level of the log was changed level=\"info\"").await;
        example.people.ready("ada").await.unwrap();
        let before = debug();
        example.apply("bob", "Bob", "Kahn").await.unwrap();
        example.people.ready("bob").await.unwrap();
        assert_eq!(debug(), before);
    })
    .await;
}
