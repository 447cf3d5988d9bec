//! Traces by OTLP: one for each turn of an object, through policy, step and save, up to the backend's request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use xos_harness::{eventually, example::SOON};

use crate::chaos::server::{Answer, Server};
use crate::with_configured_example;

/// What a collector and a backend were sent.
#[derive(Default)]
struct Seen {
    spans: Vec<Span>,
    /// The services that sent spans.
    services: Vec<String>,
    /// The header `traceparent` of the requests that put something into the backend.
    parents: Vec<Option<String>>,
}

/// Takes spans at `/v1/traces`, and is the backend at all other paths.
async fn answer(seen: Arc<Mutex<Seen>>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    if head.uri.path() == "/v1/traces" {
        let request = ExportTraceServiceRequest::decode(body).map_err(std::io::Error::other)?;
        let mut seen = seen.lock().unwrap();
        for resource in request.resource_spans {
            let name = resource.resource.iter().flat_map(|one| &one.attributes).find(|one| one.key == "service.name");
            seen.services.extend(name.map(|name| format!("{:?}", name.value)));
            seen.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    } else if head.method == http::Method::PUT {
        let parent = head.headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
        seen.lock().unwrap().parents.push(parent);
    }
    Ok(Response::new(Full::default().map_err(|never| match never {}).boxed_unsync()))
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the attributes of a span that are texts.
fn texts(span: &Span) -> BTreeMap<&str, &str> {
    let all = span.attributes.iter().filter_map(|one| match one.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some((one.key.as_str(), text.as_str())),
        _ => None,
    });
    all.collect()
}

#[tokio::test]
async fn a_turn_is_one_trace_from_the_change_to_the_save_and_to_the_backend() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let server = {
        let seen = Arc::clone(&seen);
        Server::start(move |request| answer(Arc::clone(&seen), request)).await.unwrap()
    };
    let more = json!({"tracing": {"otlp_endpoint": server.url()}, "settings": {"directory_url": server.url()}});
    with_configured_example("traces", &more, async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        // A turn ends a moment after its object is Ready.
        eventually(SOON, "the turn to be exported", async || {
            let seen = seen.lock().unwrap();
            let has_ended = |span: &Span| span.name.starts_with("turn ") && texts(span).contains_key("outcome");
            if seen.spans.iter().any(has_ended) { Ok(()) } else { Err(seen.spans.len().to_string()) }
        })
        .await
        .unwrap();
        // The last spans are sent at the end.
        example.synchronizer.stop().await.unwrap();
        let seen = seen.lock().unwrap();
        let of = |name: &'static str| seen.spans.iter().filter(move |span| span.name == name);
        let [parent] = &seen.parents[..] else { panic!("{:?}", seen.parents) };
        let step = of("step").next().unwrap();
        let told = format!("00-{}-{}-01", hex(&step.trace_id), hex(&step.span_id));
        assert_eq!(parent.as_deref(), Some(&*told), "the backend's request is in the span of the step");
        assert_eq!(texts(step)["name"], "SyncMyModel");
        assert_eq!(texts(step)["outcome"], "Succeeded");
        let trace: Vec<_> = seen.spans.iter().filter(|span| span.trace_id == step.trace_id).collect();
        let by_id: BTreeMap<&[u8], &Span> = trace.iter().map(|span| (&*span.span_id, *span)).collect();
        let path = |span: &Span| {
            let ancestors = std::iter::successors(Some(span), |span| by_id.get(&*span.parent_span_id).copied());
            let names: Vec<_> = ancestors.map(|span| &*span.name).collect();
            names.join(" < ")
        };
        assert_eq!(path(step), "step < reconcile < turn MyModel");
        let saves: Vec<_> = trace.iter().filter(|span| span.name == "save").collect();
        let status = saves.iter().find(|span| texts(span)["what"] == "status").unwrap();
        assert_eq!(path(status), "save < reconcile < turn MyModel");
        let turn = trace.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
        let object = format!("MyModel {}/ada", example.namespace.name());
        assert_eq!((texts(turn)["object"], texts(turn)["outcome"]), (&*object, "done"), "{:?}", texts(turn));
        assert!(of("policy").any(|span| texts(span)["outcome"] == "Succeeded"), "policies have spans");
        assert!(seen.services.iter().all(|name| name.contains("\"example\"")), "{:?}", seen.services);
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() {
    let more = json!({"tracing": {"otlp_endpoint": "http://127.0.0.1:1"}});
    with_configured_example("traces-away", &more, async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        let log = example.synchronizer.log().to_owned();
        let told = "traces are not exported: the collector is away";
        eventually(SOON, told, async || {
            let text = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
            if text.contains(told) { Ok(()) } else { Err("the log does not tell it".to_owned()) }
        })
        .await
        .unwrap();
        example.apply("bob", "Bob", "Kahn").await.unwrap();
        example.people.ready("bob").await.unwrap();
        let began = Instant::now();
        let status = example.synchronizer.stop().await.unwrap();
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(std::fs::read_to_string(&log).unwrap().matches(told).count(), 1, "once");
    })
    .await;
}
