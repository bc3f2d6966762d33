//! What tests of the checks need: templates that were applied, and a namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::resources::{LimitRange, Quota};
use super::{CheckContext, NamespaceFacts, Pod, Settings};
use crate::finding::Finding;
use crate::template::{Catalog, CatalogLookup, Source, Template};

/// Circumstances that own what they are made of.
pub(super) struct Scene {
    templates: Vec<Arc<Template>>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) limit_ranges: Vec<LimitRange>,
    pub(super) quotas: Vec<Quota>,
    pub(super) pulling_accounts: BTreeSet<String>,
    pub(super) settings: Settings,
    pub(super) user: Option<&'static str>,
}

impl Scene {
    /// A scene in which the templates `mesh` and `logs` were applied, in this order. A container or
    /// volume whose name begins with `mesh-` or `logs-` is theirs.
    pub(super) fn new() -> Self {
        let template = |name: &str| {
            let text = format!(
                "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
                 metadata: {{name: {name}}}\nspec: {{podSecurityLevel: privileged, \
                 metadata: {{labels: {{by: {name}}}}}}}\n"
            );
            let path = "test.yaml".to_owned();
            let (catalog, errors) = Catalog::load(&[Source { path, text }], None);
            assert!(errors.is_empty(), "{errors:?}");
            match catalog.find("shop", name) {
                CatalogLookup::Template(template) => Arc::clone(template),
                _ => unreachable!("it loads"),
            }
        };
        Self {
            templates: ["mesh", "logs"].map(template).into(),
            labels: BTreeMap::new(),
            limit_ranges: Vec::new(),
            quotas: Vec::new(),
            pulling_accounts: BTreeSet::new(),
            settings: Settings::default(),
            user: None,
        }
    }

    /// The view of a pod.
    pub(super) fn pod(pod: &Value) -> Pod<'_> {
        Pod::read(pod, &|name| {
            let mut templates = ["mesh", "logs"].into_iter();
            templates.find(|template| name.starts_with(&format!("{template}-")))
        })
    }

    /// What a check finds, as `CODE template path: message`.
    pub(super) fn found(
        &self,
        pod: &Pod<'_>,
        check: fn(&Pod<'_>, &CheckContext<'_>, &mut Vec<Finding>),
    ) -> Vec<String> {
        let templates: Vec<&Template> = self.templates.iter().map(AsRef::as_ref).collect();
        let with = CheckContext {
            settings: &self.settings,
            kubernetes_minor: 37,
            surroundings: NamespaceFacts {
                namespace: "shop",
                labels: &self.labels,
                limit_ranges: &self.limit_ranges,
                quotas: &self.quotas,
                pulling_accounts: &self.pulling_accounts,
                user: self.user,
            },
            templates: &templates,
        };
        let mut findings = Vec::new();
        check(pod, &with, &mut findings);
        let line = |finding: Finding| {
            let by = finding.template.as_deref().unwrap_or("-");
            format!(
                "{} {by} {}: {}",
                finding.code, finding.path, finding.message
            )
        };
        findings.into_iter().map(line).collect()
    }
}
