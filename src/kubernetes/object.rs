//! An object of the API as its fields, wherever they are kept.

use serde_json::{Map, Value};

/// An object whose fields can be asked for.
pub trait ReadObject {
    /// A field's value.
    fn get(&self, name: &str) -> Option<&Value>;

    /// The fields, in their order.
    fn entries(&self) -> Box<dyn Iterator<Item = (&str, &Value)> + '_>;

    /// Whether there is such a field.
    fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl ReadObject for Map<String, Value> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn entries(&self) -> Box<dyn Iterator<Item = (&str, &Value)> + '_> {
        Box::new(self.iter().map(|(name, value)| (name.as_str(), value)))
    }
}
