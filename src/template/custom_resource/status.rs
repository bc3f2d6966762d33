//! What Pillion tells about a stored template: conditions as Kubernetes' own (`metav1.Condition`),
//! and the revisions.

use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "what became of this template; Pillion writes it",
        "properties": {
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "description": "the generation that this status is about",
            },
            "revision": {
                "type": "string",
                "description": "the revision of the newest generation, where it compiles",
            },
            "servedRevision": {
                "type": "string",
                "description": "the revision that pods get, where there is one",
            },
            "conditions": {
                "type": "array",
                "description": "Compiled: the newest generation compiles; Served: pods get a revision",
                "items": condition(),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        },
    })
}

/// `metav1.Condition` with its own bounds.
fn condition() -> Value {
    json!({
        "type": "object",
        "required": ["type", "status", "lastTransitionTime", "reason", "message"],
        "properties": {
            "type": {
                "type": "string",
                "maxLength": 316,
                "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "reason": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            },
            "message": {"type": "string", "maxLength": 32768},
        },
    })
}
