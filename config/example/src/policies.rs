//! The policy: people of a department are in its team.

use xos_controller::model::{Link, Model as _};
use xos_controller::{Policy, StepContext, StepError};

use crate::models::{MyModel, Team};

/// Puts people into the team that their department is called after.
pub struct JoinTeam;

impl Policy for JoinTeam {
    type Model = MyModel;

    async fn handle_update(&self, ctx: &StepContext, o: &mut MyModel) -> Result<(), StepError> {
        let Some(department) = &o.department else { return Ok(()) };
        // Nameless: it is named after its natural key, so that two people who come at once get the same team.
        let new = Team::new(ctx.namespace(), "", department);
        let (team, made) = ctx.models::<Team>().find_or_create(new, &[]).await?;
        if made {
            tracing::info!(team = team.meta().name, "a new team");
        }
        o.team = Some(Link::of(&team).seen_from(ctx.namespace()));
        Ok(())
    }
}
