//! Spreads events to the clients that subscribed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lock::lock;
use padgate_ipc::event::{Event, Topic};
use padgate_ipc::rpc::event_line;
use tokio::sync::{Notify, mpsc};

/// How many lines can wait for one client. When it is full, the client is disconnected: it would never catch up, and
/// half of the events would look like all of them.
pub const CLIENT_LINES_MAX: usize = 1024;

/// How long a feed waits for a client whose queue is full before the client is disconnected.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Lines that wait to be written to one client, each with its end.
pub type LineSender = mpsc::Sender<Arc<str>>;

/// The subscriptions. Publishing costs one atomic load while nobody has subscribed.
#[derive(Debug, Default)]
pub struct Hub {
    subscribers: Mutex<Vec<Subscriber>>,
    wanted: [AtomicUsize; Topic::ALL.len()],
}

#[derive(Debug)]
struct Subscriber {
    client: u64,
    topic: Topic,
    lines: LineSender,
    kick: Arc<Notify>,
}

impl Hub {
    /// Whether anybody has subscribed to the topic, so that whoever makes its events can save the work.
    #[must_use]
    pub fn wants(&self, topic: Topic) -> bool {
        self.wanted[topic as usize].load(Ordering::Relaxed) > 0
    }

    /// Sends the event to everybody who subscribed to the topic. Never waits: whoever's queue is full is
    /// disconnected.
    pub fn publish(&self, topic: Topic, event: &Event) {
        if !self.wants(topic) {
            return;
        }
        let line: Arc<str> = (event_line(event) + "\n").into();
        let subscribers = lock(&self.subscribers);
        for subscriber in subscribers.iter().filter(|subscriber| subscriber.topic == topic) {
            if subscriber.lines.try_send(Arc::clone(&line)).is_err() {
                subscriber.kick.notify_one();
            }
        }
    }

    /// The same for the one task that feeds a topic of many events: waits a little for clients that are behind but
    /// do read, so that a burst is not mistaken for a client that hangs. Whoever fed the task counts what does not
    /// fit meanwhile.
    pub async fn feed(&self, topic: Topic, event: &Event) {
        if !self.wants(topic) {
            return;
        }
        let line: Arc<str> = (event_line(event) + "\n").into();
        for (lines, kick) in self.readers(topic) {
            if let Err(mpsc::error::TrySendError::Full(line)) = lines.try_send(Arc::clone(&line)) {
                match tokio::time::timeout(CATCH_UP, lines.send(line)).await {
                    // Sent, or gone by itself.
                    Ok(_) => {}
                    Err(_) => kick.notify_one(),
                }
            }
        }
    }

    fn readers(&self, topic: Topic) -> Vec<(LineSender, Arc<Notify>)> {
        let subscribers = lock(&self.subscribers);
        let of_topic = subscribers.iter().filter(|subscriber| subscriber.topic == topic);
        of_topic.map(|subscriber| (subscriber.lines.clone(), Arc::clone(&subscriber.kick))).collect()
    }

    /// Adds a subscription, if the client does not have it. `interest` is called if it is the first of its topic.
    pub(crate) fn subscribe(
        &self,
        client: u64,
        topic: Topic,
        lines: &LineSender,
        kick: &Arc<Notify>,
        interest: impl FnOnce(),
    ) {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.iter().any(|known| known.client == client && known.topic == topic) {
            return;
        }
        subscribers.push(Subscriber { client, topic, lines: lines.clone(), kick: Arc::clone(kick) });
        if self.wanted[topic as usize].fetch_add(1, Ordering::Relaxed) == 0 {
            interest();
        }
    }

    /// Ends all subscriptions of a client. `disinterest` is called for each topic that has none left.
    pub(crate) fn leave(&self, client: u64, disinterest: impl Fn(Topic)) {
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|subscriber| {
            let stays = subscriber.client != client;
            if !stays && self.wanted[subscriber.topic as usize].fetch_sub(1, Ordering::Relaxed) == 1 {
                disinterest(subscriber.topic);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Hub;
    use padgate_ipc::event::{Event, Topic};
    use std::cell::RefCell;
    use std::sync::Arc;
    use tokio::sync::{Notify, mpsc};

    #[test]
    fn events_go_to_their_topic_and_a_full_queue_is_kicked() {
        let hub = Hub::default();
        let (lines, mut queue) = mpsc::channel(2);
        let kick = Arc::new(Notify::new());
        let log = RefCell::new(Vec::new());
        for _ in 0..2 {
            hub.subscribe(1, Topic::Events, &lines, &kick, || log.borrow_mut().push("first".to_owned()));
        }
        hub.publish(Topic::Devices, &Event::Devices { devices: Vec::new() });
        hub.publish(Topic::Events, &Event::Missed { count: 1 });
        assert!(queue.try_recv().unwrap().ends_with("\"params\":{\"count\":1,\"type\":\"missed\"}}\n"));
        assert!(queue.try_recv().is_err(), "once, though subscribed to twice");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for _ in 0..3 {
            hub.publish(Topic::Events, &Event::Missed { count: 1 });
        }
        let limit = std::time::Duration::from_secs(10);
        runtime
            .block_on(async { tokio::time::timeout(limit, kick.notified()).await })
            .expect("it was kicked");
        drop(queue.try_recv().unwrap());
        let event = Event::Missed { count: 2 };
        runtime.block_on(async {
            tokio::join!(hub.feed(Topic::Events, &event), hub.feed(Topic::Events, &event), async {
                queue.recv().await.unwrap()
            })
        });
        assert!(queue.try_recv().is_ok(), "a feed waits for whoever reads");
        hub.leave(1, |topic| log.borrow_mut().push(format!("{topic:?} left")));
        assert!(!hub.wants(Topic::Events));
        assert_eq!(*log.borrow(), ["first", "Events left"]);
    }
}
