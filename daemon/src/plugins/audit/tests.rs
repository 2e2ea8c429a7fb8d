//! Tests of the audit log.

use std::sync::mpsc::sync_channel;

use super::writer::{Message, Writer};
use super::{Audit, Entry, Event, OLD_FILES, QUEUE_ENTRIES, Record, TEXT_BYTES_MAX, old};

/// As if so many refusals were in the queue as ever can be.
fn waiting() -> std::sync::Arc<std::sync::atomic::AtomicUsize> {
    std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(usize::MAX / 2))
}

fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.text.as_str()).collect()
}

#[test]
fn what_is_recorded_is_read_again_the_newest_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/audit.jsonl");
    let audit = Audit::open(&path).unwrap();
    for (number, event) in Event::ALL.iter().enumerate() {
        let plugin = if number % 2 == 0 { "a" } else { "b" };
        audit.record(Entry::new(*event, plugin, format!("text {number}")).detail("d\n\"é"));
    }
    let all = audit.read(100, None).unwrap();
    assert_eq!(all.len(), Event::ALL.len());
    assert_eq!((all[0].event.as_str(), all[0].detail.as_str()), ("grant", "d\n\"é"));
    assert!(all[0].time.parse::<jiff::Timestamp>().is_ok(), "{}", all[0].time);
    assert_eq!(texts(&audit.read(2, None).unwrap()), ["text 12", "text 13"]);
    assert_eq!(texts(&audit.read(2, Some("a")).unwrap()), ["text 10", "text 12"]);
    assert!(audit.read(0, None).unwrap().is_empty());
    drop(audit);
    let audit = Audit::open(&path).unwrap();
    assert_eq!(audit.read(100, None).unwrap().len(), Event::ALL.len(), "it only grows");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_torn_line_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let audit = Audit::open(&path).unwrap();
    audit.record(Entry::new(Event::Start, "a", "one"));
    drop(audit);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"time\":\"2025-01-01T00:00");
    std::fs::write(&path, &bytes).unwrap();
    let audit = Audit::open(&path).unwrap();
    audit.record(Entry::new(Event::Start, "a", "two"));
    assert_eq!(texts(&audit.read(10, None).unwrap()), ["one", "two"]);
}

#[test]
fn equal_refusals_become_one_line_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (queue, messages) = sync_channel(QUEUE_ENTRIES);
    for number in 0..500 {
        let refusal = |text: &str| Entry::new(Event::Refusal, "a", text);
        let now = jiff::Timestamp::now();
        queue.send(Message::Entry(now, refusal("may not run sh"))).unwrap();
        if number % 100 == 0 {
            queue.send(Message::Entry(now, refusal(&format!("other {number}")))).unwrap();
        }
    }
    drop(queue);
    Writer::open(path.clone(), u64::MAX, std::sync::Arc::default(), waiting()).unwrap().run(&messages);
    let records = super::read::read(&path, 1000, None).unwrap();
    let of_sh: Vec<u64> = records.iter().filter(|r| r.text == "may not run sh").map(|r| r.count).collect();
    assert_eq!(of_sh.iter().sum::<u64>(), 500);
    assert_eq!(of_sh[0], 1, "the first is written at once");
    assert!(of_sh.len() < 20, "{of_sh:?}");
    assert_eq!(records.iter().filter(|record| record.text.starts_with("other")).count(), 5);
}

#[test]
fn many_different_refusals_are_all_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (queue, messages) = sync_channel(QUEUE_ENTRIES);
    for number in 0..400 {
        let entry = Entry::new(Event::Refusal, "a", format!("number {}", number % 200));
        queue.send(Message::Entry(jiff::Timestamp::now(), entry)).unwrap();
    }
    drop(queue);
    Writer::open(path.clone(), u64::MAX, std::sync::Arc::default(), waiting()).unwrap().run(&messages);
    let records = super::read::read(&path, 1000, None).unwrap();
    assert_eq!(records.iter().map(|record| record.count).sum::<u64>(), 400);
}

#[test]
fn a_plugin_that_tries_ever_new_things_does_not_fill_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (queue, messages) = sync_channel(8 * QUEUE_ENTRIES);
    let entry = |plugin, text: String| {
        Message::Entry(jiff::Timestamp::now(), Entry::new(Event::Refusal, plugin, text))
    };
    for number in 0..6 * QUEUE_ENTRIES {
        queue.send(entry("a", format!("may not connect to host{number}:80"))).unwrap();
    }
    queue.send(entry("b", "may not run sh".to_owned())).unwrap();
    drop(queue);
    Writer::open(path.clone(), u64::MAX, std::sync::Arc::default(), waiting()).unwrap().run(&messages);
    let records = super::read::read(&path, 10_000, None).unwrap();
    assert!(records.len() < QUEUE_ENTRIES, "{} lines", records.len());
    let of_a: u64 = records.iter().filter(|r| r.plugin == "a").map(|r| r.count).sum();
    assert_eq!(of_a, 6 * QUEUE_ENTRIES as u64, "all are counted");
    assert!(records.iter().any(|record| record.text == "may not run sh"), "another plugin has its own");
}

#[test]
fn what_is_lost_is_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let lost = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(7));
    let (queue, messages) = sync_channel(1);
    drop(queue);
    Writer::open(path.clone(), u64::MAX, lost, waiting()).unwrap().run(&messages);
    let records = super::read::read(&path, 10, None).unwrap();
    assert_eq!((records.len(), records[0].event.as_str(), records[0].count), (1, "lost", 7));
}

#[test]
fn old_files_are_kept_and_no_more_than_three() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let audit = Audit::open_with(&path, 2000).unwrap();
    for number in 0..200 {
        audit.record(Entry::new(Event::Load, "a", format!("text {number:03}")));
    }
    let records = audit.read(10_000, None).unwrap();
    assert!(records.len() > 30 && records.len() < 200, "{}", records.len());
    assert_eq!(records.last().unwrap().text, "text 199");
    assert!(records.is_sorted_by_key(|record| record.text.clone()));
    assert!(old(&path, OLD_FILES).exists() && !old(&path, OLD_FILES + 1).exists());
    assert!(std::fs::metadata(&path).unwrap().len() <= 2000);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(&folder.path().join("audit.jsonl")).unwrap();
    audit.record(Entry::new(Event::Crash, "a", "é".repeat(TEXT_BYTES_MAX)));
    let records = audit.read(1, None).unwrap();
    assert!(records[0].text.len() <= TEXT_BYTES_MAX + '…'.len_utf8() && records[0].text.ends_with("é…"));
}
