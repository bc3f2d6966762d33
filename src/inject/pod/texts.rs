//! Labels and annotations while a pod is being decided about.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inject::patch::{Operation, Patch, write_escaped};
use crate::review::Text;
use crate::review::pod::Dictionary;

/// Labels or annotations: the user's, and what was added.
#[derive(Debug, Default)]
pub(crate) struct Texts<'p> {
    /// `None` where the pod has no such field.
    users: Option<&'p Dictionary<'p>>,
    pub(super) added: BTreeMap<String, String>,
    /// The templates that added keys.
    owners: BTreeMap<String, String>,
}

impl<'p> Texts<'p> {
    pub(super) fn new(users: Option<&'p Dictionary<'p>>) -> Self {
        Self {
            users,
            added: BTreeMap::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The value of a key as it is now.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        match self.added.get(key) {
            Some(added) => Some(added),
            None => self.users?.get(key).map(Text::as_str),
        }
    }

    /// Sets a key; a value that is there already changes nothing.
    pub(crate) fn set(&mut self, key: String, value: String) {
        if self.get(&key) != Some(value.as_str()) {
            self.added.insert(key, value);
        }
    }

    /// Sets a key for a template.
    pub(crate) fn set_by(&mut self, template: &str, key: String, value: String) {
        self.owners.insert(key.clone(), template.to_owned());
        self.set(key, value);
    }

    /// The template that added a key.
    pub(crate) fn owner(&self, key: &str) -> Option<&str> {
        self.owners.get(key).map(String::as_str)
    }

    /// Bytes of keys and values together, as they are now.
    pub(crate) fn size(&self) -> usize {
        let users = self.users.into_iter().flatten();
        users
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| !self.added.contains_key(*key))
            .chain(self.added())
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }

    /// The keys and values as they are now.
    pub(crate) fn all(&self) -> BTreeMap<&str, &str> {
        let users = self.users.into_iter().flatten();
        users
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .chain(self.added())
            .collect()
    }

    fn added(&self) -> impl Iterator<Item = (&str, &str)> {
        let added = self.added.iter();
        added.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn write(self, path: &str, patch: &mut Patch) {
        if self.added.is_empty() {
            return;
        }
        if self.users.is_none() {
            let (path, value) = (path.to_owned(), json!(self.added).into());
            patch.0.push(Operation::Add { path, value });
            return;
        }
        for (key, value) in self.added {
            let mut path = format!("{path}/");
            write_escaped(&key, &mut path);
            patch.0.push(Operation::Add {
                path,
                value: Value::String(value).into(),
            });
        }
    }
}
