//! What the page shows, in one answer: what `check`, `inject`, `explain` and `show` would say.
//!
//! Nothing is decided here. The template is compiled and linted as `template check` does it, the
//! manifest goes the way of `inject`, and each pod is explained as `explain` explains it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::bars::{self, Bar};
use super::case_file::{self, CaseFile};
use super::difference::{self, DiffLine};
use super::form::{self, FormField};
use super::question::{MANIFEST_FILE, PlaygroundQuestion, TEMPLATE_FILE};
use super::text_problem::TextProblem;
use super::time_line::{self, TimeLine};
use super::{PlaygroundContext, origins};
use crate::cli::explain::subjects::{self, ExplainSubject};
use crate::cli::inject::{add_namespaces, treatment};
use crate::cli::manifest::Manifest;
use crate::cli::report::{self, Entry};
use crate::cli::terminal::Paint;
use crate::cli::transform::transform;
use crate::explain::Explanation;
use crate::inject::{Engine, Settings};
use crate::lint::lint;
use crate::template::node::Node;
use crate::template::{Catalog, CatalogLookup, Source};

/// The namespace of objects that name none, as everywhere on the command line.
const NAMESPACE: &str = "default";

/// How many pods are explained; the difference shows all of them.
const MOST_EXPLAINED: usize = 8;

/// The answer to a question.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaygroundAnswer {
    /// What is wrong with the template, as `template check` says it: errors, then findings of lint.
    pub(super) template: Vec<TextProblem>,
    /// What is wrong with the manifest's text.
    pub(super) manifest: Vec<TextProblem>,
    /// What `inject` reports about every object.
    pub(super) report: String,
    /// The manifest before and after, line by line.
    pub(super) difference: Vec<DiffLine>,
    /// The pods.
    pub(super) pods: Vec<PodAnswer>,
    /// How many more pods there are than are explained.
    pub(super) left_out: usize,
    /// The parameters of the page's template and of those that the first pod asks for.
    pub(super) parameters: Vec<FormField>,
    /// The case for `template test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<CaseFile>,
    /// Why there is no case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_case: Option<String>,
    /// The command that gives the same difference.
    pub(super) command: String,
}

/// One pod.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodAnswer {
    /// The object that it is or comes of: `Deployment/default/web`.
    pub(super) object: String,
    /// Everything that `explain` knows about it.
    pub(super) explanation: Explanation,
    /// Every field that a template adds, with both places.
    pub(super) added: Vec<AddedField>,
    /// When its containers start and stop.
    pub(super) time_line: TimeLine,
    /// Its requests and limits, before and after.
    pub(super) resources: Vec<Bar>,
    /// The patch (RFC 6902) of the object.
    pub(super) patch: Value,
}

/// A field that a template adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedField {
    /// The template.
    pub(super) template: String,
    /// Where in the pod.
    pub(super) path: String,
    /// What is added.
    pub(super) value: Value,
    /// The file that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// The line in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<u32>,
    /// The line in the injected manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
}

/// Answers a question.
pub(super) fn answer(
    context: &PlaygroundContext,
    question: &PlaygroundQuestion,
) -> anyhow::Result<PlaygroundAnswer> {
    let set = question.assignments()?;
    let set: BTreeMap<_, _> = set
        .iter()
        .map(|set| (set.annotation(), set.value.clone()))
        .collect();
    let own = Source {
        path: TEMPLATE_FILE.to_owned(),
        text: question.template.clone(),
    };
    let (compiled, errors) = Catalog::load(std::slice::from_ref(&own), None);
    let mut problems: Vec<_> = errors.iter().map(TextProblem::of_error).collect();
    problems.extend(
        lint(std::slice::from_ref(&own))
            .iter()
            .map(TextProblem::of_finding),
    );
    let mut sources = vec![own];
    sources.extend(context.sources.iter().cloned());
    let mut answer = PlaygroundAnswer {
        template: problems,
        command: context.command(question),
        ..PlaygroundAnswer::default()
    };
    let parsed = Manifest::parse(MANIFEST_FILE.to_owned(), None, &question.manifest);
    let mut manifest = match parsed {
        Ok(manifest) => manifest,
        Err(error) => {
            answer.manifest.push(TextProblem::of_manifest(&error));
            answer.parameters = parameters(&compiled, &Catalog::default(), None);
            return Ok(answer);
        }
    };
    let mut settings = context.settings.clone();
    if let Some(version) = question.kubernetes {
        settings.kubernetes_minor = version.0;
    }
    add_namespaces(
        &mut settings,
        std::slice::from_mut(&mut manifest),
        NAMESPACE,
    );
    let own_names: Vec<_> = compiled.all_names().map(str::to_owned).collect();
    let catalog = Arc::new(Catalog::layered([&compiled, context.catalog.as_ref()]));
    let input = AnswerInput {
        context,
        set,
        sources,
        settings,
        catalog,
    };
    input.case(own_names.first(), &manifest, &mut answer);
    input.inject(manifest, &question.manifest, &mut answer)?;
    let first = answer.pods.first().map(|pod| &pod.explanation);
    answer.parameters = parameters(&compiled, &input.catalog, first);
    Ok(answer)
}

/// The fields of the form: of the page's own templates, then of the others that the pod asks for.
fn parameters(own: &Catalog, all: &Catalog, pod: Option<&Explanation>) -> Vec<FormField> {
    let namespace = pod.map_or(NAMESPACE, |pod| pod.namespace.as_str());
    let of_pod = pod.into_iter().flat_map(|pod| &pod.templates);
    let mut names: Vec<_> = own.names(namespace).collect();
    for name in of_pod.map(|template| template.name.as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .flat_map(|name| {
            let found =
                [own, all]
                    .into_iter()
                    .find_map(|catalog| match catalog.find(namespace, name) {
                        CatalogLookup::Template(template) => Some(template),
                        CatalogLookup::Broken(_) | CatalogLookup::Nothing => None,
                    });
            found.map_or_else(Vec::new, |template| form::fields(template, pod))
        })
        .collect()
}

/// Everything that pods are decided by.
struct AnswerInput<'a> {
    context: &'a PlaygroundContext,
    set: BTreeMap<String, String>,
    sources: Vec<Source>,
    settings: Settings,
    catalog: Arc<Catalog>,
}

impl AnswerInput<'_> {
    fn case(&self, template: Option<&String>, manifest: &Manifest, answer: &mut PlaygroundAnswer) {
        let Some(template) = template else {
            answer.no_case = Some("the template has no name yet".to_owned());
            return;
        };
        let case = case_file::of(template, manifest, &self.set, &self.settings, &self.catalog);
        match case {
            Ok(case) => answer.case = Some(case),
            Err(problem) => answer.no_case = Some(problem),
        }
    }

    fn inject(
        &self,
        manifest: Manifest,
        before: &str,
        answer: &mut PlaygroundAnswer,
    ) -> anyhow::Result<()> {
        let engine = Engine::new(Arc::clone(&self.catalog), Arc::new(self.settings.clone()));
        let mut manifests = [manifest];
        let mut asked = Vec::new();
        for document in manifests.iter_mut().flat_map(|one| &mut one.documents) {
            let mut value = document.value.clone();
            subjects::add(MANIFEST_FILE, &mut value, NAMESPACE.into(), &mut asked);
        }
        let treatment = treatment(&engine, self.set.clone());
        let report = transform(&mut manifests, NAMESPACE, &treatment)?;
        answer.report = report::text(&report, Paint::NONE);
        let after = if report.is_refused() {
            before.to_owned()
        } else {
            manifests
                .iter()
                .map(Manifest::render)
                .collect::<Result<_, _>>()?
        };
        answer.difference = difference::lines(before, &after);
        let objects = origins::objects(&after);
        let pods = report
            .entries
            .iter()
            .zip(objects)
            .filter(|(entry, _)| holds_pod(entry));
        answer.left_out = asked.len().saturating_sub(MOST_EXPLAINED);
        for ((entry, object), subject) in pods.zip(&mut asked).take(MOST_EXPLAINED) {
            subject.carry(&self.set);
            answer
                .pods
                .push(self.pod(&engine, entry, &object, subject)?);
        }
        Ok(())
    }

    fn pod(
        &self,
        engine: &Engine,
        entry: &Entry,
        object: &Node,
        subject: &ExplainSubject,
    ) -> anyhow::Result<PodAnswer> {
        let explained = engine.explain(
            &subject.question(),
            &self.context.registration,
            &self.sources,
        );
        let mut explanation = explained.map_err(anyhow::Error::msg)?;
        subject.refuse_fault(&mut explanation);
        let pointer = entry.identity.pod_pointer().unwrap_or_default();
        let added = added(&explanation, object, pointer);
        let by_template = |list: &str, name: &str| {
            let path = format!("spec.{list}[{name}].name");
            let mut fields = added.iter();
            Some(fields.find(|field| field.path == path)?.template.clone())
        };
        Ok(PodAnswer {
            object: entry.identity.to_string(),
            time_line: time_line::of(&explanation.patched(subject.pod()), &by_template),
            resources: explanation
                .resources
                .as_ref()
                .map_or_else(Vec::new, bars::of),
            patch: entry.treated.patch.clone().unwrap_or_default(),
            added,
            explanation,
        })
    }
}

/// Whether an object is one of those that `explain` is asked about.
fn holds_pod(entry: &Entry) -> bool {
    entry.identity.pod_pointer().is_some() && entry.treated.code != "NotAPod"
}

fn added(explanation: &Explanation, object: &Node, pointer: &str) -> Vec<AddedField> {
    let templates = explanation.templates.iter();
    templates
        .flat_map(|template| {
            template.fields.iter().map(|field| AddedField {
                template: template.name.clone(),
                line: origins::line(object, pointer, &field.path),
                path: field.path.clone(),
                value: field.value.clone(),
                file: template.file.clone(),
                from: field.line,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
