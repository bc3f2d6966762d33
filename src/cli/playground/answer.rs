//! What the page shows, in one answer: what `check`, `inject`, `explain` and `show` would say.
//!
//! Nothing is decided here. The template is compiled and linted as `template check` does it, the
//! manifest goes the way of `inject`, and each pod is explained as `explain` explains it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::case_file::{self, CaseFile};
use super::difference::{self, DiffLine};
use super::form::{self, FormField};
use super::pod_answer::PodAnswer;
use super::question::{MANIFEST_FILE, PlaygroundQuestion, TEMPLATE_FILE};
use super::text_problem::TextProblem;
use super::{PlaygroundContext, origins};
use crate::cli::explain::subjects;
use crate::cli::flag_values::Assignment;
use crate::cli::inject::{add_namespaces, treatment};
use crate::cli::manifest::Manifest;
use crate::cli::report::{self, Entry};
use crate::cli::terminal::Paint;
use crate::cli::transform::transform;
use crate::explain::Explanation;
use crate::inject::{Engine, Settings};
use crate::lint::lint;
use crate::template::{Catalog, Source};

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

pub(super) fn answer(
    context: &PlaygroundContext,
    question: &PlaygroundQuestion,
) -> anyhow::Result<PlaygroundAnswer> {
    let set = Assignment::annotations(&question.assignments()?);
    let own = [Source {
        path: TEMPLATE_FILE.to_owned(),
        text: question.template.clone(),
    }];
    let (compiled, errors) = Catalog::load(&own, None);
    let errors = errors.iter().map(TextProblem::of_error);
    let mut answer = PlaygroundAnswer {
        template: errors
            .chain(lint(&own).iter().map(TextProblem::of_finding))
            .collect(),
        command: context.command(question),
        ..PlaygroundAnswer::default()
    };
    let mut manifest = match Manifest::parse(MANIFEST_FILE.to_owned(), None, &question.manifest) {
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
    let manifests = std::slice::from_mut(&mut manifest);
    add_namespaces(&mut settings, manifests, NAMESPACE);
    let input = AnswerInput {
        context,
        set,
        sources: own.into_iter().chain(context.sources.clone()).collect(),
        settings,
        catalog: Arc::new(Catalog::layered([&compiled, context.catalog.as_ref()])),
    };
    input.case(compiled.all_names().next(), &manifest, &mut answer);
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
            let found = [own, all]
                .into_iter()
                .find_map(|catalog| catalog.find(namespace, name).template());
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
    fn case(&self, template: Option<&str>, manifest: &Manifest, answer: &mut PlaygroundAnswer) {
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
            let registration = &self.context.registration;
            let explained = engine.explain(&subject.question(), registration, &self.sources);
            let mut explanation = explained.map_err(anyhow::Error::msg)?;
            subject.refuse_fault(&mut explanation);
            let pod = PodAnswer::of(entry, &object, subject.pod(), explanation);
            answer.pods.push(pod);
        }
        Ok(())
    }
}

/// Whether an object is one of those that `explain` is asked about.
fn holds_pod(entry: &Entry) -> bool {
    entry.identity.pod_pointer().is_some() && entry.treated.code != "NotAPod"
}

#[cfg(test)]
mod tests;
