//! The objects whose items are not listed any more.

use std::collections::HashSet;
use std::sync::Arc;

use xos_model::brake::HeldListing;
use xos_model::names::{CONFIRM_PULL, HELD_PULL};
use xos_model::{Criterion, Model, Object, ObjectKey, Pass, Query};

use super::{Failures, Listing, ListingError, Pulled, XOS_MANAGED};
use crate::events::Event;
use crate::holds::Verdict;
use crate::store::StoreError;

impl<T: Model> Listing<'_, T> {
    /// Deletes the objects that were created from the list and are not listed any more, unless the brake holds them.
    pub(super) async fn remove_vanished(
        &self,
        listed: &HashSet<ObjectKey>,
        (scope, all_known): (Option<String>, bool),
        pulled: &mut Pulled,
        failures: &mut Failures,
    ) -> Result<(), ListingError> {
        let ours = self.ours(scope.as_deref())?;
        let (protected, vanished): (Vec<_>, Vec<_>) = ours
            .iter()
            .filter(|object| !listed.contains(&object.key()))
            .partition(|object| object.flag("write_protect"));
        pulled.left_alone += protected.len();
        if !all_known {
            failures.kept = vanished.len();
            return Ok(());
        }
        let verdict = {
            let vanished: Vec<&Object> = vanished.iter().map(AsRef::as_ref).collect();
            let here = self.ctx.namespace();
            let listing = self.identity(scope.as_deref());
            self.ctx.holds().judge((self.step(), &listing), self.brake, (&vanished, here, ours.len()))
        };
        match verdict {
            Verdict::Held(held) => {
                pulled.held = vanished.len();
                self.tell(&held);
                self.mark(&ours, vanished.first().copied(), Some(&held)).await?;
            }
            Verdict::Free => {
                let stay: Vec<_> = ours.iter().filter(|object| listed.contains(&object.key())).cloned().collect();
                self.mark(&stay, None, None).await?;
                for object in vanished {
                    if self.ctx.store().is_in_flight(object) {
                        pulled.left_alone += 1;
                        continue;
                    }
                    match self.ctx.store().delete(self.ctx.saver(), Arc::clone(object)).await {
                        Ok(()) => {
                            self.ctx.session().count(|done| done.deleted += 1);
                            pulled.deleted += 1;
                        }
                        Err(error) => failures.undeleted.add(error),
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells what is held, for steps that are no pull steps: of those the schedule tells it.
    fn tell(&self, held: &HeldListing) {
        if self.ctx.saver().pass != Pass::Pull {
            let event = Event::warning("PullHeld", held.told()).of("Pull");
            self.ctx.events().publish_in_namespace(self.ctx.namespace(), event);
        }
    }

    fn step(&self) -> &str {
        &self.ctx.saver().step
    }

    /// Returns what tells this listing from others of the step.
    fn identity(&self, scope: Option<&str>) -> String {
        let within: Vec<_> = self.within.iter().map(|(field, value)| format!("{field}={value}")).collect();
        format!("{} {} {}", self.class, scope.unwrap_or("*"), within.join(","))
    }

    /// Returns the objects that were created from this listing.
    fn ours(&self, scope: Option<&str>) -> Result<Vec<Arc<Object>>, StoreError> {
        let mut query = Query::of(&self.class, scope);
        let managed = (XOS_MANAGED.to_owned(), false.into());
        for (field, value) in [managed].iter().chain(&self.within) {
            query.criteria.push(Criterion::equal(field, value.clone()));
        }
        self.ctx.store().query(&query)
    }

    /// Lets one object say what is held, for those who are to confirm it; no other object of this step says so any
    /// longer. An old confirmation goes with what it confirmed, so that it cannot confirm anything else.
    async fn mark(
        &self,
        ours: &[Arc<Object>],
        bearer: Option<&Arc<Object>>,
        held: Option<&HeldListing>,
    ) -> Result<(), StoreError> {
        let wanted = held.map(serde_json::to_string).transpose()?;
        for object in ours {
            let is_bearer = bearer.is_some_and(|bearer| bearer.meta.uid == object.meta.uid);
            let wanted = wanted.as_ref().filter(|_| is_bearer);
            let marked = object.meta.annotations.get(HELD_PULL);
            let is_other = marked.is_some_and(|text| self.is_of_another_step(text));
            let is_old = wanted.is_none() && object.meta.annotations.contains_key(CONFIRM_PULL);
            if is_other || (marked == wanted && !is_old) {
                continue;
            }
            let annotations = vec![(HELD_PULL.into(), wanted.cloned()), (CONFIRM_PULL.into(), None)];
            self.ctx.store().annotate(self.ctx.saver(), Arc::clone(object), annotations).await?;
        }
        Ok(())
    }

    fn is_of_another_step(&self, marked: &str) -> bool {
        serde_json::from_str::<HeldListing>(marked).is_ok_and(|held| held.step != self.step())
    }
}
