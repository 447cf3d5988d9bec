//! Settings of librdkafka that are renewed while clients use them: passwords, and certificates in files.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// The newest settings of librdkafka, of those that can be renewed. Each new value asks for new clients, also if it is
/// the same: what is in a file of certificates may be another.
#[derive(Clone, Default)]
pub struct Renewals(Option<watch::Receiver<BTreeMap<String, String>>>);

impl Renewals {
    /// Returns the values that the sender sends.
    pub fn of(newest: watch::Receiver<BTreeMap<String, String>>) -> Self {
        Self(Some(newest))
    }

    /// Returns the newest values.
    pub fn newest(&self) -> BTreeMap<String, String> {
        self.0.as_ref().map(|newest| newest.borrow().clone()).unwrap_or_default()
    }

    /// Returns those that come from now on.
    pub fn from_now(&self) -> Self {
        let mut later = self.clone();
        later.0.as_mut().into_iter().for_each(watch::Receiver::mark_unchanged);
        later
    }

    /// Returns whether there are newer values than when this was asked, or waited for, the last time.
    pub fn are_due(&mut self) -> bool {
        let Some(newest) = &mut self.0 else { return false };
        let are_due = newest.has_changed().unwrap_or(false);
        newest.mark_unchanged();
        are_due
    }

    /// Waits for newer values.
    pub async fn wait(&mut self) {
        let ended = match &mut self.0 {
            Some(newest) => newest.changed().await.is_err(),
            None => true,
        };
        if ended {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn each_holder_is_told_once() {
        let password = |text: &str| BTreeMap::from([("sasl.password".to_owned(), text.to_owned())]);
        let (sender, receiver) = watch::channel(password("old"));
        let all = Renewals::of(receiver);
        let [mut one, mut other] = [all.from_now(), all.from_now()];
        assert!(!one.are_due() && one.wait().now_or_never().is_none());
        sender.send_replace(password("new"));
        assert!(one.are_due() && !one.are_due(), "once");
        assert_eq!(other.wait().now_or_never(), Some(()));
        assert!(!other.are_due() && all.newest() == password("new"));
        assert!(!all.from_now().are_due(), "a client that is made now has them");
        drop(sender);
        assert!(other.wait().now_or_never().is_none() && Renewals::default().wait().now_or_never().is_none());
    }
}
