//! Checks the properties of a set of models.

use std::collections::BTreeMap;
use std::sync::Arc;

use xos_xproto::{Model, ModelSet, ValueType, camel_case, nearest};

use super::faults::{PropertyFault, PropertyProblem};
use super::{Properties, Property};
use crate::expression::Expression;
use crate::fault::Faults;
use crate::scope::{Drafts, METADATA, SELF, Scope};
use crate::types::Type;

/// How often all are checked, until their types do not change any more: each time the type of one that is needed may
/// become known. The types of those that still change are open.
const ROUNDS: usize = 40;

/// A property as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The model.
    pub model: String,
    /// The name.
    pub name: String,
    /// The expression.
    pub text: String,
}

/// Checks properties against the models and against each other. Returns the models with their properties, and these.
///
/// # Errors
/// All that is wrong with them.
pub fn compile(models: &ModelSet, declared: &[Declared]) -> Result<(ModelSet, Properties), Vec<PropertyFault>> {
    let mut faults = names(models, declared);
    if !faults.is_empty() {
        return Err(faults);
    }
    let compiled = types(models, declared);
    let mut expressions = vec![];
    for (of, compiled) in compiled.into_iter().enumerate() {
        match compiled {
            Ok(expression) => expressions.push(expression),
            Err(Faults(all)) => faults.extend(all.into_iter().map(|fault| {
                let at = Some(fault.at.clone());
                PropertyFault { of, problem: PropertyProblem::Expression(fault), at }
            })),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let follows = follows_links(declared, &expressions);
    let types: Vec<_> = expressions.iter().map(|expression| expression.of().to_value()).collect();
    let each = declared.iter().zip(expressions).zip(follows).zip(&types);
    let property = |(((one, expression), follows_links), ty): (((&Declared, Expression), bool), &Option<ValueType>)| {
        let (name, declared_in) = (one.name.as_str().into(), one.model.clone());
        let ty = ty.clone().unwrap_or(ValueType::Any);
        Arc::new(Property { name, declared_in, expression, ty, follows_links })
    };
    let all: Vec<_> = each.map(property).collect();
    let properties = Properties { by_model: by_model(models, &all) };
    faults.extend(circles(models, declared, &properties));
    if faults.is_empty() {
        let unsuitable = all.iter().zip(&types).enumerate().filter(|(_, (_, ty))| ty.is_none());
        faults.extend(unsuitable.map(|(of, (one, _))| {
            let problem = PropertyProblem::Unsuitable(one.expression.of().to_string());
            PropertyFault { of, problem, at: Some(0..one.expression.text().len()) }
        }));
        faults.extend(overrides(models, &all));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let named = all.iter().flat_map(|property| property.expression.reads());
    let models = models.clone().naming(named).with_properties(|model| properties.declarations(model));
    Ok((models, properties))
}

/// Checks the models and the names.
fn names(models: &ModelSet, declared: &[Declared]) -> Vec<PropertyFault> {
    let mut faults = vec![];
    let mut tell = |of, problem| faults.push(PropertyFault { of, problem, at: None });
    for (of, one) in declared.iter().enumerate() {
        if models.get(&one.model).is_none() {
            let known = models.iter().map(|model| model.name.as_str());
            tell(of, PropertyProblem::UnknownModel(nearest(&one.model, known)));
        } else if !is_name(&one.name) {
            tell(of, PropertyProblem::BadName);
        } else if let Some(taken) = taken(models, declared, of) {
            tell(of, PropertyProblem::NameTaken(taken));
        }
    }
    faults
}

/// Returns whether a text is a name such as `full_name`.
fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.len() <= 63 && text.chars().all(is_part)
}

/// Returns what has the name of a property already: in its model, or in one that inherits from it.
fn taken(models: &ModelSet, declared: &[Declared], of: usize) -> Option<String> {
    let one = declared.get(of)?;
    let heirs = models.iter().filter(|model| model.is_a(&one.model));
    let by_member = heirs.into_iter().find_map(|model| {
        let what = member(models, model, &one.name)?;
        Some(format!("{what} of {}", model.name))
    });
    let twin = |other: &&Declared| {
        let is_same = other.model == one.model && other.name != one.name;
        is_same && camel_case(&other.name) == camel_case(&one.name)
    };
    let twin = || declared.iter().take(of).find(twin).map(|other| format!("property `{}`", other.name));
    by_member.or_else(twin)
}

/// Returns what a model has of that name, beside properties.
fn member(models: &ModelSet, model: &Model, name: &str) -> Option<&'static str> {
    if name == METADATA {
        return Some("the metadata");
    }
    if model.field(name).is_some() {
        return Some("a field");
    }
    if model.link(name).is_some() {
        return Some("a link");
    }
    models.reverse_links(model).any(|port| port.name == name).then_some("a reverse link")
}

/// Compiles all, with the types of those that they use.
fn types(models: &ModelSet, declared: &[Declared]) -> Vec<Result<Expression, Faults>> {
    let mut drafts = Drafts::new();
    for one in declared {
        drafts.entry(one.model.clone()).or_default().insert(one.name.clone(), Type::Nothing);
    }
    let mut round = 0;
    loop {
        let all: Vec<_> = declared.iter().map(|one| expression(models, one, &drafts)).collect();
        let mut is_settled = true;
        for (one, compiled) in declared.iter().zip(&all) {
            let of = compiled.as_ref().map_or(Type::Any, |expression| expression.of().clone());
            let Some(known) = drafts.get_mut(&one.model).and_then(|of| of.get_mut(&one.name)) else { continue };
            if *known != of {
                *known = if round < ROUNDS { of } else { Type::Any };
                is_settled = false;
            }
        }
        if is_settled || round > ROUNDS {
            return all;
        }
        round += 1;
    }
}

fn expression(models: &ModelSet, one: &Declared, drafts: &Drafts) -> Result<Expression, Faults> {
    let scope = Scope::new(models).with(SELF, Type::object(&one.model)).of_property(drafts);
    Expression::compile(&one.text, &scope)
}

/// Returns of each whether other objects have a part in it, be it by way of another property.
fn follows_links(declared: &[Declared], expressions: &[Expression]) -> Vec<bool> {
    let mut follows: Vec<_> = expressions.iter().map(|one| one.follows_links).collect();
    loop {
        let by_others = |expression: &Expression| {
            let of_name = |name: &str| declared.iter().zip(&follows).any(|(one, follows)| one.name == name && *follows);
            expression.uses.iter().any(|used| !used.is_of_self || of_name(&used.name))
        };
        let next: Vec<_> = expressions.iter().zip(&follows).map(|(one, known)| *known || by_others(one)).collect();
        if next == follows {
            return follows;
        }
        follows = next;
    }
}

/// Returns the properties of each model: of those of one name the one of the nearest model that declares it.
fn by_model(models: &ModelSet, all: &[Arc<Property>]) -> BTreeMap<String, BTreeMap<Arc<str>, Arc<Property>>> {
    let of = |model: &Model| {
        let mut properties = BTreeMap::new();
        for class in model.ancestry.iter().rev() {
            let own = all.iter().filter(|property| property.declared_in == *class);
            properties.extend(own.map(|property| (Arc::clone(&property.name), Arc::clone(property))));
        }
        properties
    };
    let each = models.iter().map(|model| (model.name.clone(), of(model)));
    each.filter(|(_, properties)| !properties.is_empty()).collect()
}

/// Finds those that take the place of a base's, and whose values the base's type does not have.
fn overrides(models: &ModelSet, all: &[Arc<Property>]) -> Vec<PropertyFault> {
    let mut faults = vec![];
    for (of, one) in all.iter().enumerate() {
        let Some(model) = models.get(&one.declared_in) else { continue };
        let is_base = |other: &&Arc<Property>| {
            other.name == one.name && other.declared_in != one.declared_in && model.is_a(&other.declared_in)
        };
        let wanted = |base: &Property| Type::of_value(&base.ty);
        let is_other = |base: &&Arc<Property>| !wanted(base).takes(&Type::of_value(&one.ty), models);
        if let Some(base) = all.iter().filter(is_base).find(is_other) {
            let problem = PropertyProblem::OtherType {
                of: one.expression.of().to_string(),
                base: base.declared_in.clone(),
                wanted: wanted(base).to_string(),
            };
            faults.push(PropertyFault { of, problem, at: Some(0..one.expression.text().len()) });
        }
    }
    faults
}

/// Finds those that need themselves, of the same object.
fn circles(models: &ModelSet, declared: &[Declared], properties: &Properties) -> Vec<PropertyFault> {
    let mut faults: Vec<PropertyFault> = vec![];
    for model in models {
        for property in properties.of(&model.name) {
            let mut way = vec![Arc::clone(&property.name)];
            if !needs(properties, &model.name, property, &mut way) {
                continue;
            }
            let is_it = |one: &Declared| one.model == property.declared_in && *one.name == *property.name;
            let Some(of) = declared.iter().position(is_it) else { continue };
            if faults.iter().all(|fault| fault.of != of) {
                let problem = PropertyProblem::Circle(way.iter().map(ToString::to_string).collect());
                faults.push(PropertyFault { of, problem, at: Some(0..property.expression.text().len()) });
            }
        }
    }
    faults
}

/// Returns whether a property leads back to the first of the way, which then is the way.
fn needs(properties: &Properties, model: &str, property: &Property, way: &mut Vec<Arc<str>>) -> bool {
    for used in property.expression.uses.iter().filter(|used| used.is_of_self) {
        let Some(next) = properties.get(model, &used.name) else { continue };
        let is_back = way.first() == Some(&next.name);
        if !is_back && way.contains(&next.name) {
            continue;
        }
        way.push(Arc::clone(&next.name));
        if is_back || needs(properties, model, next, way) {
            return true;
        }
        way.pop();
    }
    false
}
