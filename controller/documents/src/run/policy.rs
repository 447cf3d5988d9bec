//! Policies.

use std::sync::Arc;

use futures::FutureExt as _;
use xos_expressions::{Expression, Template, Values};
use xos_model::{Object, Operation};
use xos_steps::{Act, DynPolicy, StepContext, StepError};

use super::{is_met, set_all, values};
use crate::compile::Target;

/// A policy.
pub(crate) struct PolicyDocument {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) model: String,
    pub(crate) when: Option<Template>,
    pub(crate) set: Vec<Target>,
    pub(crate) actions: Vec<CompiledAction>,
    pub(crate) on_delete: Vec<CompiledAction>,
}

/// One thing that a policy does.
pub(crate) struct CompiledAction {
    /// The list, and the name of an item.
    pub(crate) each: Option<(Template, String)>,
    pub(crate) when: Option<Template>,
    pub(crate) what: What,
}

/// What is done.
pub(crate) enum What {
    Apply(Box<CompiledApply>),
    Touch(Expression),
    Delete(Expression),
}

/// An object that is made, or changed.
pub(crate) struct CompiledApply {
    pub(crate) model: String,
    pub(crate) name: Option<Template>,
    pub(crate) key: Vec<String>,
    pub(crate) fields: Vec<Target>,
}

impl DynPolicy for PolicyDocument {
    fn name(&self) -> &str {
        &self.name
    }

    fn revision(&self) -> Option<&str> {
        Some(&self.revision)
    }

    fn observes(&self) -> &str {
        &self.model
    }

    fn handles_delete(&self) -> bool {
        !self.on_delete.is_empty()
    }

    fn handle<'a>(&'a self, operation: Operation, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let now = |object: &Object| values(ctx).with_object("self", &Arc::new(object.clone()));
            if !is_met(self.when.as_ref(), &now(object))? {
                return Ok(());
            }
            if operation == Operation::PolicyDelete {
                return run_all(&self.on_delete, ctx, &now(object)).await;
            }
            let before = now(object);
            set_all(&self.set, object, &before)?;
            run_all(&self.actions, ctx, &now(object)).await
        }
        .boxed()
    }

    fn saved<'a>(&'a self, _: &'a StepContext, _: &'a Object) -> Act<'a> {
        async { Ok(()) }.boxed()
    }
}

async fn run_all(actions: &[CompiledAction], ctx: &StepContext, values: &Values) -> Result<(), StepError> {
    for action in actions {
        let all = match &action.each {
            None => vec![values.clone()],
            Some((list, name)) => match list.expression() {
                Some(list) => list.each(values, name)?,
                None => vec![],
            },
        };
        for values in all {
            if is_met(action.when.as_ref(), &values)? {
                action.what.run(ctx, &values).await?;
            }
        }
    }
    Ok(())
}

impl What {
    async fn run(&self, ctx: &StepContext, values: &Values) -> Result<(), StepError> {
        match self {
            Self::Apply(apply) => apply.run(ctx, values).await,
            Self::Touch(objects) => {
                for mut object in handed_out(ctx, &objects.objects(values)?) {
                    ctx.touch(&mut object).await?;
                }
                Ok(())
            }
            Self::Delete(objects) => {
                for object in handed_out(ctx, &objects.objects(values)?) {
                    if object.meta.deleting.is_none() {
                        ctx.delete(&object).await?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Returns objects as this call has read them.
fn handed_out(ctx: &StepContext, objects: &[Arc<Object>]) -> Vec<Object> {
    objects
        .iter()
        .map(|object| {
            ctx.session().saw(object);
            (**object).clone()
        })
        .collect()
}

impl CompiledApply {
    async fn run(&self, ctx: &StepContext, values: &Values) -> Result<(), StepError> {
        let mut new = Object::named(&self.model, ctx.namespace(), "");
        set_all(&self.fields, &mut new, values)?;
        let found = match &self.name {
            Some(name) => {
                new.meta.name = name.text(values)?;
                ctx.models_of(&self.model).with_deleted().named(&new.meta.name)?
            }
            None => {
                let (found, is_made) =
                    ctx.models_of(&self.model).find_or_create(new.clone(), self.key.as_slice()).await?;
                if is_made {
                    return Ok(());
                }
                Some(found)
            }
        };
        let Some(mut object) = found else { return Ok(ctx.save(&mut new).await?) };
        for (field, value) in new.fields.iter() {
            object.set(field, value.clone());
        }
        // What an expression gives as null is unset.
        for target in &self.fields {
            if !new.fields.contains_key(&target.name) {
                object.set(&target.name, serde_json::Value::Null);
            }
        }
        Ok(ctx.save(&mut object).await?)
    }
}
