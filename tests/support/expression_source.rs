//! What expressions are evaluated on where they read nothing but a pod.

use pillion::expression::{Paths, Source};
use serde_json::Value;

/// The pod as the API server sees it; `Null` where expressions read none.
pub(crate) struct Pod(pub(crate) Value);

impl Source for Pod {
    fn parameter(&self, _: &str) -> Option<&Value> {
        None
    }
    fn pod(&self, _: &Paths) -> &Value {
        &self.0
    }
    fn apps(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn app(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn own(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn namespace(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn kubernetes_minor(&self) -> u32 {
        37
    }
}
