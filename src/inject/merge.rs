//! Filling in: what a template wants, where the user has nothing.
//!
//! One walk serves everything that fills a template's content into a pod's: edits of app
//! containers, the user's own container with an injected one's name, and fields of the pod. It
//! reports what to add, by JSON pointer and by a key path that stays true when positions change, and
//! what the user has that differs and is kept. [`covers`] alone says whether one value is there.

mod covers;
mod outcome;
mod place;
mod resources;
mod variables;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub(crate) use covers::covers;
pub(crate) use outcome::{Fill, Namesake, spelled};
pub(crate) use view::View;

use super::patch::Operation;
use crate::kubernetes::defaults::{absence_says, displaces, is_default, is_default_toleration};
use crate::kubernetes::element_digest::{Digest as _, element_digest};
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::merge_keys::{
    ListMerge, additive_key, by_key, is_whole, key_of, list_merge,
};
use crate::kubernetes::schema::{self, FieldType};
use crate::review::may_hold;
use crate::template::value::{TemplateObject, ValueRef};
use place::At;
use resources::Amounts;
use variables::Variables;
use view::Opened;

/// How many elements at the front of a container's lists earlier templates added; ours come behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InFront {
    pub(crate) env: usize,
    /// Of `envFrom`.
    pub(crate) env_from: usize,
}

/// Fills what is wanted into an object of this definition, where the user has nothing.
pub(crate) fn fill(
    user: View<'_>,
    want: &TemplateObject,
    definition: &str,
    in_front: InFront,
) -> Fill {
    let mut filling = Filling {
        fill: Fill::default(),
        in_front,
    };
    let want = want.iter().map(|(name, value)| (name, value.part()));
    filling.object(user, want, definition, &At::START);
    filling.fill
}

/// A fill while it is made.
struct Filling {
    fill: Fill,
    in_front: InFront,
}

impl Filling {
    fn object<'w>(
        &mut self,
        user: View<'_>,
        want: impl Iterator<Item = (&'w str, ValueRef<'w>)>,
        definition: &str,
        at: &At<'_>,
    ) {
        let Some(user) = user.open() else {
            self.fill.kept.push(at.key());
            return;
        };
        for (name, value) in want {
            if let Some(field) = schema::field(definition, name) {
                self.field(&user, definition, name, &field.ty, value, &at.field(name));
            }
        }
    }

    fn field(
        &mut self,
        user: &Opened<'_>,
        definition: &str,
        name: &str,
        ty: &FieldType,
        want: ValueRef<'_>,
        at: &At<'_>,
    ) {
        // An empty list or map wants nothing. The API server leaves it out when it writes a pod, so
        // adding it again would be a change at every call.
        if is_empty(want.value()) {
            return;
        }
        let Some(theirs) = user.get(name) else {
            self.add(definition, name, ty, want, at);
            return;
        };
        match (ty, want.value()) {
            (FieldType::List(element), Value::Array(_)) => {
                self.list(theirs, definition, name, element, want, at);
            }
            // The pod's own are given to it as they must be.
            (FieldType::Object(inner), Value::Object(fields))
                if inner == "ResourceRequirements" && definition == "Container" =>
            {
                match theirs.open() {
                    Some(theirs) => self.resources(&theirs, fields, at),
                    None => self.fill.kept.push(at.key()),
                }
            }
            (FieldType::Object(inner), Value::Object(fields)) if !is_whole(inner) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.as_str(), ValueRef::Own(value)));
                self.object(theirs, fields, inner, at);
            }
            (FieldType::Map(_), Value::Object(entries)) => self.map(theirs, ty, entries, at),
            _ => {
                let theirs = theirs.to_value();
                let is_covered = covers(&theirs, want.value(), ty);
                match (is_covered, is_unset(user, definition, name, &theirs)) {
                    (true, true) => self.fill.agreed.push(at.key()),
                    (true, false) => {}
                    (false, true) => self.replace(want, ty, at),
                    (false, false) => self.fill.kept.push(at.key()),
                }
            }
        }
    }

    /// Adds a field that the user does not have.
    fn add(
        &mut self,
        definition: &str,
        name: &str,
        ty: &FieldType,
        want: ValueRef<'_>,
        at: &At<'_>,
    ) {
        let path = at.pointer();
        self.fill.operations.push(Operation::Add {
            path,
            value: want.to_template_value().into(),
        });
        self.note(definition, name, ty, want.value(), at);
    }

    /// Notes what a whole value adds, element by element and leaf by leaf, so that it can be taken
    /// out again when others have added to the same list or map.
    fn note(&mut self, definition: &str, name: &str, ty: &FieldType, want: &Value, at: &At<'_>) {
        match (ty, want) {
            (FieldType::List(element), Value::Array(items)) => match list_merge(definition, name) {
                ListMerge::ByKeys(keys) => {
                    let elements = items.iter().filter_map(|item| {
                        let key = key_of(item, keys)?;
                        Some((at.element(0, &key).key(), element_digest(element, item)))
                    });
                    self.fill.added.extend(elements);
                }
                ListMerge::Additive | ListMerge::AdditiveInFront => {
                    let elements = items.iter().map(|item| {
                        let key = at.element(0, &additive_key(element, item)).key();
                        (key, element_digest(element, item))
                    });
                    self.fill.added.extend(elements);
                }
                ListMerge::Atomic => self.added(at, ty, want),
            },
            (FieldType::Object(inner), Value::Object(fields))
                if !is_whole(inner) && !fields.is_empty() =>
            {
                for (name, value) in fields {
                    if let Some(field) = schema::field(inner, name) {
                        self.note(inner, name, &field.ty, value, &at.field(name));
                    }
                }
                if inner == "ResourceRequirements" {
                    self.note_copied_requests(&Amounts::default(), fields, at);
                }
            }
            (FieldType::Map(inner), Value::Object(entries)) if !entries.is_empty() => {
                for (key, value) in entries {
                    self.added(&at.field(key), inner, value);
                }
            }
            _ => self.added(at, ty, want),
        }
    }

    /// Notes what is added at a place.
    fn added(&mut self, at: &At<'_>, ty: &FieldType, value: &Value) {
        self.fill.added.push((at.key(), element_digest(ty, value)));
    }

    fn map(&mut self, user: View<'_>, ty: &FieldType, want: &Map<String, Value>, at: &At<'_>) {
        let (Some(user), FieldType::Map(value_type)) = (user.open(), ty) else {
            self.fill.kept.push(at.key());
            return;
        };
        for (key, value) in want {
            let at = at.field(key);
            match user.get(key) {
                None => {
                    self.added(&at, value_type, value);
                    let (path, value) = (at.pointer(), value.clone().into());
                    self.fill.operations.push(Operation::Add { path, value });
                }
                Some(theirs) if covers(&theirs.to_value(), value, value_type) => {}
                Some(_) => self.fill.kept.push(at.key()),
            }
        }
    }

    fn list(
        &mut self,
        user: View<'_>,
        definition: &str,
        name: &str,
        element: &FieldType,
        want: ValueRef<'_>,
        at: &At<'_>,
    ) {
        let merge = list_merge(definition, name);
        if let (ListMerge::ByKeys(keys), "env", View::Json(list)) = (merge, name, user) {
            // Unread, the list is as it came, and ours stand in front of it.
            let wanted = by_key(want.elements(), ValueRef::value, keys);
            if list.is_list() && !may_hold(list.raw(), wanted.iter().map(|(key, _)| key.as_ref())) {
                let mut front = 0;
                for (key, part) in &wanted {
                    self.insert(&mut front, *part, (key, element), at);
                }
                return;
            }
        }
        let Some(theirs) = user.elements() else {
            self.fill.kept.push(at.key());
            return;
        };
        match merge {
            ListMerge::ByKeys(keys) => self.keyed(&theirs, name, keys, element, want, at),
            ListMerge::Additive => self.additive(&theirs, theirs.len(), (want, element), at),
            ListMerge::AdditiveInFront => {
                let front = self.in_front.env_from.min(theirs.len());
                self.additive(&theirs, front, (want, element), at);
            }
            ListMerge::Atomic if theirs.is_empty() => {
                self.added(
                    at,
                    &FieldType::List(Box::new(element.clone())),
                    want.value(),
                );
                let (path, value) = (at.pointer(), want.to_template_value().into());
                self.fill.operations.push(Operation::Add { path, value });
            }
            ListMerge::Atomic => {
                let whole = FieldType::List(Box::new(element.clone()));
                if !covers(&user.to_value(), want.value(), &whole) {
                    self.fill.kept.push(at.key());
                }
            }
        }
    }

    /// Elements that nothing identifies but what they say: one that says more is another.
    fn additive(
        &mut self,
        theirs: &[View<'_>],
        mut index: usize,
        (want, element): (ValueRef<'_>, &FieldType),
        at: &At<'_>,
    ) {
        let values: Vec<_> = theirs.iter().copied().map(View::to_value).collect();
        let digests: Vec<_> = values
            .iter()
            .map(|value| element_digest(element, value))
            .collect();
        let of_plugin = (0..)
            .zip(&values)
            .filter(|(_, value)| is_default_toleration(value));
        let of_plugin: Vec<(usize, &Value)> = of_plugin.collect();
        let mut displaced = BTreeSet::new();
        let mut superfluous = BTreeSet::new();
        for part in want.elements() {
            let item = part.value();
            let wanted = element_digest(element, item);
            let key = additive_key(element, item);
            if let Some(same) = digests.iter().position(|digest| *digest == wanted) {
                let agreed = of_plugin.iter().find(|(place, _)| *place == same);
                let agreed =
                    agreed.map(|(_, same)| at.element(0, &additive_key(element, same)).key());
                self.fill.agreed.extend(agreed);
                continue;
            }
            let mut places = of_plugin.iter().filter_map(|(place, value)| {
                (displaces(item, value) && displaced.insert(*place)).then_some(*place)
            });
            match places.next() {
                Some(place) => {
                    superfluous.extend(places);
                    self.replace(part, element, &at.element(place, &key));
                }
                None => self.insert(&mut index, part, (&key, element), at),
            }
        }
        let displaced = displaced.into_iter().filter_map(|place| values.get(place));
        let displaced = displaced.map(|value| at.element(0, &additive_key(element, value)).key());
        self.fill.displaced.extend(displaced);
        // From the last, as what is behind an element moves up.
        for place in superfluous.into_iter().rev() {
            let path = at.element(place, "").pointer();
            self.fill.operations.push(Operation::Remove { path });
        }
    }

    /// Puts what is wanted into the place of a default.
    fn replace(&mut self, want: ValueRef<'_>, ty: &FieldType, at: &At<'_>) {
        self.fill.replaced.push((at.key(), want.digest(ty)));
        let (path, value) = (at.pointer(), want.to_template_value().into());
        self.fill
            .operations
            .push(Operation::Replace { path, value });
    }

    /// Elements by their keys; ours come first among environment variables ([`Variables`]), and last everywhere
    /// else.
    fn keyed(
        &mut self,
        theirs: &[View<'_>],
        name: &str,
        keys: &[&str],
        element: &FieldType,
        want: ValueRef<'_>,
        at: &At<'_>,
    ) {
        let wanted = by_key(want.elements(), ValueRef::value, keys);
        let found = find_keys(theirs, keys, &wanted);
        let present = wanted.iter().zip(&found);
        let present = present.filter_map(|((key, _), found)| Some((key.as_ref(), (*found)?.0)));
        let front = self.in_front.env.min(theirs.len());
        let mut variables = Variables::new(front, present.collect());
        let mut back = theirs.len();
        for ((key, part), found) in wanted.iter().zip(found) {
            let item = part.value();
            match found {
                Some((_, view)) => {
                    if !covers(&view.to_value(), item, element) {
                        self.fill.kept.push(at.element(0, key).key());
                    }
                }
                None if name == "env" => {
                    let mut place = variables.add(key, item, |end| refer_to(theirs, end, key));
                    self.insert(&mut place, *part, (key, element), at);
                }
                None => match (name == "ports").then(|| of_same_name(theirs, keys, item)) {
                    Some(Some((name, there))) => {
                        self.fill.kept.push(at.element(0, &there).key());
                        let wanted = key.to_string();
                        self.fill.namesakes.push(Namesake {
                            name,
                            wanted,
                            there,
                        });
                    }
                    _ => self.insert(&mut back, *part, (key, element), at),
                },
            }
        }
    }

    fn insert(
        &mut self,
        index: &mut usize,
        part: ValueRef<'_>,
        (key, ty): (&str, &FieldType),
        at: &At<'_>,
    ) {
        let at = at.element(*index, key);
        self.fill.added.push((at.key(), part.digest(ty)));
        self.fill.operations.push(Operation::Add {
            path: at.pointer(),
            value: part.to_template_value().into(),
        });
        *index += 1;
    }
}

/// Whether one of the first variables refers to another by `$(NAME)`.
fn refer_to(variables: &[View<'_>], end: usize, name: &str) -> bool {
    let reference = format!("$({name})");
    let mut first = variables.iter().take(end);
    first.any(|variable| {
        let value = variable.field("value");
        value.is_some_and(|value| value.text().is_some_and(|text| text.contains(&reference)))
    })
}

/// The user's element for each wanted key with its place, in one pass over a list that may be long. Of several
/// elements with one key, such as environment variables, the last counts.
fn find_keys<'t, 'v>(
    theirs: &'t [View<'v>],
    keys: &[&str],
    wanted: &[(Cow<'_, str>, ValueRef<'_>)],
) -> Vec<Option<(usize, &'t View<'v>)>> {
    // A template wants few, so that finding nothing is a comparison or two.
    let by_key: BTreeMap<&str, usize> = wanted
        .iter()
        .enumerate()
        .map(|(index, (key, _))| (key.as_ref(), index))
        .collect();
    let mut found = vec![None; wanted.len()];
    for (place, view) in theirs.iter().enumerate() {
        let index = view.key(keys).and_then(|key| by_key.get(key.as_ref()));
        if let Some(found) = index.and_then(|index| found.get_mut(*index)) {
            *found = Some((place, view));
        }
    }
    found
}

/// Whether a value says no more than the API server's defaults would.
fn is_unset(user: &Opened<'_>, definition: &str, name: &str, theirs: &Value) -> bool {
    if (definition, name) == ("Container", "imagePullPolicy") {
        let image = user.get("image").map(View::to_value);
        let image = image.as_ref().and_then(Value::as_str);
        return image.is_some_and(|image| theirs.as_str() == Some(Reference::pull_policy(image)));
    }
    let says_nothing = |field| absence_says(field, theirs);
    is_default(definition, name, theirs)
        || schema::field(definition, name).is_some_and(says_nothing)
}

/// Whether a value is a list or a map with nothing in it.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// The name of this port, and the key of another one that has it: it is unique inside a container.
fn of_same_name(theirs: &[View<'_>], keys: &[&str], port: &Value) -> Option<(String, String)> {
    let name = port.get("name").and_then(Value::as_str)?;
    let mut named = theirs
        .iter()
        .filter(|view| view.key(&["name"]).as_deref() == Some(name));
    Some((name.to_owned(), named.next()?.key(keys)?.into_owned()))
}

#[cfg(test)]
mod tests;
