//! Runs one case on the engine that `inject` uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TestError;
use super::case::Case;
use super::compare::{CaseResult, codes, essence, tells};
use crate::cli::inject::treatment;
use crate::cli::manifest::kinds;
use crate::cli::report::{RunResult, TransformResult};
use crate::cli::transform::{TreatmentError, treat_object};
use crate::inject::Engine;
use crate::template::Catalog;

/// What comes of a case with these templates.
pub(super) fn run(case: &Case, catalog: &Arc<Catalog>) -> Result<CaseResult, TestError> {
    let engine = Engine::new(Arc::clone(catalog), Arc::new(case.given.settings()));
    let treatment = treatment(&engine, BTreeMap::new());
    let mut manifest = case.given.manifest.clone();
    let mut found = Vec::new();
    let namespace = case.given.namespace_name();
    let is_object = kinds::try_each_object(&mut manifest, namespace, |identity, object| {
        let Some(pointer) = identity.pod_pointer() else {
            return Ok::<_, TreatmentError>(());
        };
        let given = essence(object.pointer(pointer));
        let treated = treat_object(&treatment, identity, object)?;
        found.extend(result(treated, given, object.pointer(pointer)));
        Ok(())
    })?;
    match (is_object, found.pop(), found.len()) {
        (true, Some(only), 0) => Ok(only),
        (false, ..) => Err(case
            .place
            .wrong("`manifest` has no apiVersion and kind".to_owned())
            .into()),
        (_, last, before) => {
            let count = before + usize::from(last.is_some());
            let message = format!("`manifest` must hold one pod or pod template, not {count}");
            Err(case.place.wrong(message).into())
        }
    }
}

fn result(
    treated: TransformResult,
    given: serde_json::Map<String, serde_json::Value>,
    pod: Option<&serde_json::Value>,
) -> Option<CaseResult> {
    let RunResult::Decided(verdict) = treated.ending else {
        return None;
    };
    Some(CaseResult {
        verdict,
        reason: treated.code,
        findings: codes(&treated),
        message: tells(verdict).then_some(treated.message),
        given,
        pod: essence(pod),
    })
}
