//! The policy: people of a department belong to its team.

use xos_controller::model::{Link, Model as _, NaturalKey};
use xos_controller::{Policy, StepContext, StepError, tracing};

use crate::models::{MyModel, NewTeam, Team};

/// Adds people to the team that has the name of their department.
pub struct JoinTeam;

impl Policy for JoinTeam {
    type Model = MyModel;

    async fn handle_update(&self, ctx: &StepContext, o: &mut MyModel) -> Result<(), StepError> {
        let Some(department) = &o.department else { return Ok(()) };
        // The team is named after its natural key: two people who come at once get the same one.
        let new = NewTeam { name: department.clone() };
        let (team, created) = ctx.models::<Team>().find_or_create(new, NaturalKey).await?;
        if created {
            tracing::info!(team = team.meta().name, "a new team");
        }
        o.team = Some(Link::of(&team).seen_from(ctx.namespace()));
        Ok(())
    }
}
