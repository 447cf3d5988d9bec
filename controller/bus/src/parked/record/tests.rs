//! Records: written, read, and read of earlier versions.

use super::*;

const PARKING: Parking<'_> = Parking { synchronizer: "att", step: "A", group: "att.A" };

fn event() -> BusEvent {
    let headers = vec![
        ("trace".to_owned(), Some(b"1".to_vec())),
        (REASON.to_owned(), Some(b"a stranger's".to_vec())),
        (MARKER.to_owned(), Some(b"done".to_vec())),
        (FIRST.to_owned(), Some(b"1".to_vec())),
        (REPLAY.to_owned(), Some(b"a stranger's".to_vec())),
        (REPLAY_OF.to_owned(), Some(b"0/0/0/-".to_vec())),
        ("empty".to_owned(), None),
    ];
    let timestamp = Timestamp::from_millisecond(5).ok();
    BusEvent { partition: 2, offset: 7, headers, timestamp, ..BusEvent::new("onu.events", "{").with_key("k") }
}

/// As it comes back from the topic that it was sent to.
fn received(message: Message, partition: i32, offset: i64) -> BusEvent {
    let Message { topic, key, value, headers, timestamp } = message;
    assert_eq!(timestamp, None, "retention counts from the time of parking");
    BusEvent { topic: topic.into(), partition, offset, timestamp: Some(Timestamp::UNIX_EPOCH), key, value, headers }
}

fn entry(reason: &str) -> Entry<'_> {
    Entry { reason, attempts: 3, order_key: Some(b"k"), first: None }
}

#[test]
fn an_event_is_parked_whole_sent_again_as_it_was_and_parked_again_as_the_same() {
    let event = event();
    assert_eq!(Replay::of(&event), None, "a stranger's header makes no replay");
    let now = Timestamp::UNIX_EPOCH;
    let record = received(PARKING.record("p", &event, &entry("no JSON"), now), 2, 40);
    let parked = ParkedEvent::read(&record).unwrap();
    assert_eq!(parked.event, event, "with all of its headers");
    assert_eq!((parked.reason.as_str(), parked.attempts, parked.step.as_str()), ("no JSON", 3, "A"));
    assert_eq!((parked.origin, parked.first, parked.latest), (Origin::of(&event), 40, 40));
    assert_eq!(parked.order_key.as_deref(), Some(&b"k"[..]));

    let again = received(parked.replay(), 2, 99);
    assert_eq!((&*again.topic, &again.key, &again.value), ("onu.events", &event.key, &event.value));
    let replay = Replay::of(&again).unwrap();
    assert_eq!((&replay.group[..], replay.parked_partition, replay.origin), (&b"att.A"[..], 2, parked.origin));

    let entry = Entry { first: Some(40), ..entry("still no JSON") };
    let record = received(PARKING.record("p", &again, &entry, now), 2, 41);
    let again = ParkedEvent::read(&record).unwrap();
    assert_eq!(again.event, event, "nothing is added however often it is parked");
    assert_eq!((again.origin, again.first, again.latest), (parked.origin, 40, 41));
}

#[test]
fn a_record_says_what_became_of_an_event() {
    let origin = Origin::of(&event());
    for (marker, what) in [
        (Marker::Done, What::Ended),
        (Marker::Dropped, What::Ended),
        (Marker::Sent { at: 99, from: 40 }, What::Sent { at: 99, from: 40 }),
        (Marker::Replaying { order_key: b"" }, What::Replaying { order_key: vec![] }),
    ] {
        let message = PARKING.marker("p", "onu.events", origin, marker);
        assert_eq!((&message.key, &message.value), (&None, &None));
        let record = Record::read(&received(message, 2, 50)).unwrap();
        let group = "att.A".to_owned();
        assert_eq!(record, Record { topic: "onu.events".to_owned(), group, origin, what });
    }
    assert_eq!(Record::read(&BusEvent::new("p", "a stranger's")), None);
}

#[test]
fn records_of_earlier_versions_are_read() {
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    let headers = vec![
        header("trace", "1"),
        header(REASON, "no"),
        header(TOPIC, "t"),
        header(PARTITION, "1"),
        header(OFFSET, "8"),
        header(STEP, "A"),
        header(GROUP, "att.A"),
    ];
    let timestamp = Timestamp::from_millisecond(9).ok();
    let record = BusEvent { headers, timestamp, partition: 3, offset: 5, ..BusEvent::new("p", "v").with_key("k") };
    let parked = ParkedEvent::read(&record).unwrap();
    assert_eq!(parked.event.headers, [header("trace", "1")]);
    assert_eq!(parked.origin, Origin { partition: 1, offset: 8, timestamp: Some(9) });
    assert_eq!((parked.parked_partition, parked.order_key.as_deref()), (3, Some(&b"k"[..])));
}

#[test]
fn what_is_added_is_bounded() {
    let long = "ä".repeat(600_000);
    let key = long.as_bytes();
    let entry = Entry { reason: &long, attempts: 1, order_key: Some(key), first: None };
    let event = event();
    let message = PARKING.record("p", &event, &entry, Timestamp::UNIX_EPOCH);
    let size = |headers: &Headers| {
        headers.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len)).sum::<usize>()
    };
    assert!(size(&message.headers) - size(&event.headers) < 2000, "{}", size(&message.headers));
    let parked = ParkedEvent::read(&received(message, 2, 0)).unwrap();
    assert_eq!(parked.reason, "ä".repeat(LONGEST_REASON / 2));
    assert_eq!(parked.order_key, Some(limited(key)));
    assert_ne!(limited(key), limited(format!("{long}!").as_bytes()));
}

#[test]
fn the_order_key_is_kept_if_it_is_not_the_key_of_the_message() {
    for order_key in [None, Some(&b"device"[..]), Some(&b""[..]), Some(&b"k"[..])] {
        let entry = Entry { reason: "", attempts: 1, order_key, first: None };
        let message = PARKING.record("p", &event(), &entry, Timestamp::UNIX_EPOCH);
        let parked = ParkedEvent::read(&received(message, 2, 0)).unwrap();
        assert_eq!(parked.order_key.as_deref(), order_key);
    }
}
