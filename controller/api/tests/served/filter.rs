//! Queries.

use xos_grpc::client::{Filter, Kind, Operator};
use xos_grpc::{Client, Record, Saving};

use crate::support::Site;

async fn filled(here: &mut Site) -> Client {
    let client = here.operator().await;
    for (site, size) in [("rome", 5), ("oslo", 7)] {
        client.create(&Record::of("Site").with("name", site).with("size", size)).await.unwrap();
    }
    for (name, site) in [("n1", 1), ("n2", 1), ("n3", 2)] {
        client.create(&Record::of("Node").with("name", name).with("site_id", site)).await.unwrap();
    }
    here.settle().await;
    client
}

async fn found(client: &Client, model: &str, filter: &Filter) -> Vec<i32> {
    client.filter(model, filter).await.unwrap().iter().map(Record::id).collect()
}

#[tokio::test]
async fn objects_are_found_by_fields_and_over_links() {
    let mut here = Site::start().await;
    let client = filled(&mut here).await;
    let all = Filter::all;
    for (filter, ids) in [
        (all(), vec![1, 2, 3]),
        (Filter::of(Kind::All), vec![1, 2, 3]),
        (all().and("name", Operator::Equal, "n2"), vec![2]),
        (all().and_not("name", Operator::Equal, "n2"), vec![1, 3]),
        (all().and("id", Operator::Equal, 3), vec![3]),
        (all().and("id", Operator::Equal, 9), vec![]),
        (all().and("id", Operator::GreaterThan, 1), vec![2, 3]),
        (all().and("site_id", Operator::Equal, 1), vec![1, 2]),
        (all().and("site", Operator::Equal, 2), vec![3]),
        (all().and("site_id", Operator::Equal, 9), vec![]),
        (all().and("site__name", Operator::Equal, "oslo"), vec![3]),
        (all().and("site__size", Operator::LessThan, 6), vec![1, 2]),
        (all().and("site__name", Operator::Contains, "o").and("name", Operator::Regex, "[13]$"), vec![1, 3]),
        (all().and("big", Operator::Equal, true), vec![]),
        (all().and("since__isnull", Operator::Equal, true), vec![1, 2, 3]),
        (all().and("leaf_model_name", Operator::Equal, "Node"), vec![1, 2, 3]),
        (all().and("created", Operator::GreaterThanOrEqual, 1_767_225_600), vec![1, 2, 3]),
    ] {
        assert_eq!(found(&client, "Node", &filter).await, ids, "{filter:?}");
    }
    let with_default = Filter::all().and("size", Operator::Equal, 5);
    assert_eq!(found(&client, "Site", &with_default).await, [1], "a value that nobody has set is its default");
}

#[tokio::test]
async fn what_is_due_is_found_by_its_kind() {
    let mut here = Site::start().await;
    let client = filled(&mut here).await;
    let due = Filter::of(Kind::SynchronizerDirtyObjects);
    assert_eq!(found(&client, "Node", &due).await, [0; 0]);
    here.world.pass(std::time::Duration::from_secs(10)).await;
    client.update(&Record::of("Node").with("id", 2).with("name", "n9"), &Saving::all()).await.unwrap();
    assert_eq!(found(&client, "Node", &due).await, [2]);
    here.settle().await;
    assert_eq!(found(&client, "Node", &due).await, [0; 0]);
    client.delete("Node", 3).await.unwrap();
    assert_eq!(found(&client, "Node", &Filter::of(Kind::SynchronizerDeletedObjects)).await, [3]);
    assert_eq!(found(&client, "Node", &Filter::all()).await, [1, 2]);
}
