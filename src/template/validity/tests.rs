//! One table: what is checked, and what the API server would say to it.

use serde_json::{Value, json};

use super::{Step, check};

/// `path: message` of each problem.
fn problems(definition: &str, value: &Value) -> Vec<String> {
    let path = |steps: &[Step]| {
        let words = steps.iter().map(|step| match step {
            Step::Field(name) => name.clone(),
            Step::Index(index) => index.to_string(),
        });
        words.collect::<Vec<_>>().join("/")
    };
    check(definition, value)
        .iter()
        .map(|problem| format!("{}: {}", path(&problem.path), problem.message))
        .collect()
}
