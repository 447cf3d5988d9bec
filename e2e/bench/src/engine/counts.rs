//! Writes, as the API server counts them.

use std::{collections::BTreeMap, fmt};

use kube::Client;

/// The API server's metric of requests.
const REQUESTS: &str = "apiserver_request_total{";
/// The metric of the memory that the API server has allocated so far, also what it has freed again.
const ALLOCATED: &str = "go_memstats_alloc_bytes_total ";
/// The verbs that read.
const READS: [&str; 5] = ["GET", "LIST", "WATCH", "WATCHLIST", "CONNECT"];

/// A kind of writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// The API group.
    pub(super) group: String,
    /// The resource, as `things/status`.
    pub(super) resource: String,
    /// The verb, as `PATCH`.
    pub(super) verb: String,
    /// The answer's code, as `200`.
    pub(super) code: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb, self.resource, self.code)
    }
}

/// How many writes of each kind there were so far, including refused ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    writes: BTreeMap<Kind, u64>,
    /// Bytes that the API server has allocated. They show the cost of its work, whatever else the machine does.
    allocated: u64,
}

impl Counts {
    /// Reads the counts of the API server.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn now(client: &Client) -> Result<Self, kube::Error> {
        let request = http::Request::get("/metrics").body(Vec::new()).map_err(kube::Error::HttpError)?;
        Ok(Self::read(&client.request_text(request).await?))
    }

    fn read(metrics: &str) -> Self {
        let mut writes = BTreeMap::new();
        let mut allocated = 0;
        for line in metrics.lines() {
            if let Some(value) = line.strip_prefix(ALLOCATED) {
                allocated = number(value);
            }
            let Some((labels, value)) = line.strip_prefix(REQUESTS).and_then(|rest| rest.rsplit_once("} ")) else {
                continue;
            };
            let labels = labels_of(labels);
            let label = |name: &str| labels.get(name).copied().unwrap_or_default().to_owned();
            let verb = label("verb");
            // When a namespace is deleted, Kubernetes deletes the collection of each kind there.
            let is_of_collection = verb == "DELETE" && label("scope") != "resource";
            if READS.contains(&verb.as_str()) || is_of_collection {
                continue;
            }
            let resource = label("resource");
            let part = label("subresource");
            let resource = if part.is_empty() { resource } else { format!("{resource}/{part}") };
            *writes.entry(Kind { group: label("group"), resource, verb, code: label("code") }).or_default() +=
                number(value);
        }
        Self { writes, allocated }
    }

    /// Returns what was added since an earlier count.
    #[must_use]
    pub(super) fn since(&self, before: &Self) -> Self {
        let new = |(kind, count): (&Kind, &u64)| {
            let new = count - before.writes.get(kind).copied().unwrap_or_default().min(*count);
            (new > 0).then(|| (kind.clone(), new))
        };
        let allocated = self.allocated.saturating_sub(before.allocated);
        Self { writes: self.writes.iter().filter_map(new).collect(), allocated }
    }

    /// Returns what the API server has allocated, in KiB.
    pub(super) fn allocated_kib(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far from 2^52 KiB")]
        let kib = (self.allocated / 1024) as f64;
        kib
    }

    /// Returns the number of writes to objects of a group.
    #[must_use]
    pub(super) fn of_group(&self, group: &str) -> u64 {
        self.writes.iter().filter(|(kind, _)| kind.group == group).map(|(_, count)| count).sum()
    }

    /// Returns the writes to objects of a group, as `PATCH things/status 200: 10, …`.
    pub(super) fn listed(&self, group: &str) -> String {
        let listed = self.writes.iter().filter(|(kind, _)| kind.group == group);
        listed.map(|(kind, count)| format!("{kind}: {count}")).collect::<Vec<_>>().join(", ")
    }

    /// Returns all writes except renewals of leases.
    #[must_use]
    pub(super) fn but_leases(&self) -> Vec<(Kind, u64)> {
        let others = self.writes.iter().filter(|(kind, _)| kind.resource != "leases");
        others.map(|(kind, count)| (kind.clone(), *count)).collect()
    }
}

/// Reads a number of a metric, such as `1.2e+06`.
fn number(text: &str) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = text.trim().parse::<f64>().unwrap_or_default() as u64;
    count
}

/// Reads labels such as `a="1",b="2"`. No value that is used has a comma in it.
fn labels_of(text: &str) -> BTreeMap<&str, &str> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="g",resource="things",scope="resource",subresource="status",verb="PATCH",version="v1"} 7
apiserver_request_total{code="409",component="apiserver",dry_run="",group="g",resource="things",scope="resource",subresource="status",verb="PATCH",version="v1"} 1
apiserver_request_total{code="200",component="apiserver",dry_run="",group="g",resource="things",scope="cluster",subresource="",verb="LIST",version="v1"} 9
apiserver_request_total{code="200",component="apiserver",dry_run="",group="g",resource="things",scope="namespace",subresource="",verb="DELETE",version="v1"} 4
apiserver_request_total{code="201",component="apiserver",dry_run="",group="g",resource="things",scope="resource",subresource="",verb="POST",version="v1"} 1.2e+06
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 3
apiserver_request_total_other{verb="POST"} 1
go_memstats_alloc_bytes_total 1.048576e+06
"#;

    #[test]
    fn writes_are_counted_with_those_that_were_refused() {
        let counts = Counts::read(METRICS);
        assert_eq!(counts.of_group("g"), 1_200_008);
        assert!((counts.allocated_kib() - 1_024.0).abs() < 1e-9);
        assert_eq!(counts.since(&counts), Counts::default());
        assert_eq!(counts.since(&Counts::default()), counts);
        let resources: Vec<_> = counts.but_leases().into_iter().map(|(kind, _)| kind.resource).collect();
        assert_eq!(resources, ["things", "things/status", "things/status"]);
        assert_eq!(
            counts.listed("g"),
            "POST things 201: 1200000, PATCH things/status 200: 7, PATCH things/status 409: 1"
        );
    }
}
