//! A service has its own kinds and those that it names. An inherited link to any other holds nothing: its objects neither
//! wait for the peer nor are refused, whatever the link says. Links to kinds that are named are as always.

use std::sync::Arc;

use serde_json::json;
use xos_harness::inprocess::{Script, Scripted};
use xos_model::Object;
use xos_steps::{StepContext, StepError, Steps};

use crate::stage::{Setup, Stage};

/// `site` of an exchange leads to a Site, and `slice` of a machine to a Slice: nothing names these.
const MODELS: &str = "option app_label = \"onlynamed\"; option name = \"onlynamed\";
    message Exchange (Service) { option verbose_name = \"Exchange\"; }
    message Line (ServiceInstance) { required string number = 1 [max_length = 20]; }";

pub(crate) fn setup() -> Setup {
    let asks = |ctx: &StepContext, o: &Object| {
        let sites = ctx.models_of("Site").count().map_err(|error| error.to_string());
        let refused = sites.is_err_and(|error| error.contains("option uses = \"Site\""));
        let services = ctx.models_of("Service").count()?;
        match (refused, services) {
            (true, 1..) => Ok(()),
            _ => Err(StepError::failed(format!("{}: {refused}, {services}", o.meta.name))),
        }
    };
    let script: Script = Arc::new(move |what, ctx, o| {
        let outcome = if what == "sync" { asks(ctx, o) } else { Ok(()) };
        Box::pin(async move { outcome })
    });
    Setup::new("onlynamed", MODELS, move |calls| {
        let line = Scripted::doing("line", "Line", calls, Arc::clone(&script));
        Steps::new().sync_step(line).sync_step(Scripted::doing("exchange", "Exchange", calls, Arc::clone(&script)))
    })
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    // A link to a base that is named waits for an heir of it, and holds it.
    stage.create("Line", "desk", json!({"number": "7", "owner": {"name": "main"}})).await;
    let waits = |o: &serde_json::Value| o.to_string().contains("waits for Service main, which does not exist");
    stage.until("Line", "desk", "waiting for its owner", waits).await;
    // No Site is known, so none is waited for; nor is one of any kind refused.
    let site = json!({"name": "nowhere", "kind": "Site"});
    stage.create("Exchange", "main", json!({"name": "main", "site": site})).await;
    let main = stage.ready("Exchange", "main").await;
    assert_eq!(main["spec"]["site"], site, "it is stored as it is");
    stage.ready("Line", "desk").await;
    // As with every to-one link: a line goes with its exchange.
    stage.delete("Exchange", "main").await;
    stage.gone("Exchange", "main").await;
    stage.gone("Line", "desk").await;
    let deletions = |calls: &[String]| calls.iter().filter(|call| call.contains("delete")).count();
    assert_eq!(deletions(&stage.calls().all()), 2);
}
