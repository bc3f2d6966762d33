//! The engine: one immutable snapshot of templates, namespaces and settings that decides about pods.

use std::fmt;
use std::sync::Arc;

use super::advice;
use super::answer::{Answer, DecidedPod, pod_to_create};
use super::composition::CompositionInput;
use super::placeholder;
use super::reinvocation;
use super::request_context::RequestContext;
use super::selection::{self, Selection, SelectionInput};
use super::settings::Settings;
use super::status::has_status;
use super::trace::Trace;
use super::verdict::{Decision, Reason, Refusal, Verdict};
use crate::expression::{Budget, MAX_ITEMS};
use crate::review::{Document, Json, Pod, Request, Response, request};
use crate::template::Catalog;
use crate::wording::with_sources;

/// The longest list of containers or volumes that templates are applied to: as long as those that
/// expressions go over.
const MOST_ELEMENTS: usize = MAX_ITEMS;

/// The most values and keys of a pod that templates are applied to: those of ten thousand variables. Made
/// into data each takes some 80 bytes, and a decision makes it a few times.
const MOST_VALUES: usize = 65_536;

/// The longest name of a container or volume that is looked at, in bytes: more than Kubernetes allows, so
/// that what is a little too long is told by the checks.
const LONGEST_NAME: usize = 253;

/// Whether nobody waits for an answer any more. The caller's, as the engine knows no clock.
#[derive(Clone)]
struct IsLate(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for IsLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsLate").finish_non_exhaustive()
    }
}

/// Templates and settings, ready to decide.
#[derive(Debug, Clone)]
pub struct Engine {
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
    is_late: Option<IsLate>,
}

impl Engine {
    /// An engine over these templates and settings.
    pub fn new(catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        Self {
            catalog,
            settings,
            is_late: None,
        }
    }

    /// This engine for a review whose evaluation ends as soon as `is_late` says so.
    pub(crate) fn until(&self, is_late: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_late: Some(IsLate(Arc::new(is_late))),
            ..self.clone()
        }
    }

    /// Whether nobody waits for its answer any more.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
            .as_ref()
            .is_some_and(|IsLate(is_late)| is_late())
    }

    /// The templates that this engine serves.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The settings that this engine decides with.
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Decides about one pod. `trace` records the steps for `explain`.
    pub fn decide(
        &self,
        context: &RequestContext,
        pod: &Pod<'_>,
        trace: Option<&Trace>,
    ) -> Decision {
        let namespace = self.settings.namespaces.get(&context.namespace);
        let (labels, annotations) = (RequestContext::labels(pod), context.annotations(pod));
        let asked = SelectionInput {
            namespace: &context.namespace,
            namespace_object: &namespace,
            labels: &labels,
            annotations: &annotations,
            from_node: context.from_node,
        };
        let (templates, nothing) = match selection::select(&self.catalog, &self.settings, asked) {
            Selection::Templates(templates) => (templates, None),
            Selection::Nothing(why) if keeps_earlier_work(&why, asked, pod) => {
                (Vec::new(), Some(why))
            }
            Selection::Nothing(why) => return Decision::refused(why),
        };
        if !pod.has_spec() {
            return Decision::plain(Reason::ReviewInvalid, "the pod has no spec");
        }
        let lists = lists(pod);
        if let Some(problem) = long_list(&lists).or_else(|| too_large(pod)) {
            return match nothing {
                Some(why) => Decision::refused(why),
                None if templates.iter().all(|template| template.shadow) => {
                    Decision::plain(Reason::ShadowBudgetExceeded, problem)
                }
                None => Decision::plain(Reason::BudgetExceeded, problem),
            };
        }
        if let Some(problem) = long_name(&lists) {
            return Decision::plain(Reason::ReviewInvalid, problem);
        }
        let is_late = self
            .is_late
            .as_ref()
            .map(|IsLate(is_late)| is_late.as_ref());
        let budget = match is_late {
            Some(is_late) => Budget::until(is_late),
            None => Budget::new(),
        };
        let found = match placeholder::check(&self.catalog, &context.namespace, &templates, pod) {
            Ok(found) => found,
            Err(refusal) => return Decision::refused(refusal),
        };
        let input = CompositionInput {
            settings: &self.settings,
            context,
            namespace: &namespace,
            annotations: &annotations,
            catalog: &self.catalog,
            templates: &templates,
            found: &found,
            trace,
            budget: &budget,
        };
        if let Some(why) = nothing {
            return reinvocation::take_out_unselected(input, pod, why);
        }
        let mut decision =
            reinvocation::decide(input, pod).unwrap_or_else(|error| Decision::unreadable(&error));
        if decision.verdict() == Verdict::Denied {
            let is_mandatory = |name: &str| {
                let mut found = templates.iter().filter(|template| template.name == name);
                found.any(|template| template.mandatory)
            };
            decision.add_to_refusals(|name| selection::opt_out(asked, name, is_mandatory(name)));
        }
        decision
    }

    /// The names of templates whose selector would match the pod, were its namespace enabled.
    pub(crate) fn waiting_selectors(&self, context: &RequestContext, pod: &Pod<'_>) -> Vec<String> {
        self.with_selection_input(context, pod, |asked| {
            selection::waiting(&self.catalog, asked)
        })
    }

    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview about a pod.
    pub fn review(&self, body: &[u8]) -> Answer {
        with_request(body, |request| self.answer(request))
    }

    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview about a workload: allowed, with
    /// what will become of its pods as warnings.
    pub fn advise(&self, body: &[u8]) -> Answer {
        with_request(body, |request| self.answer_about_workload(request))
    }

    fn answer_about_workload(&self, request: &Request<'_>) -> Answer {
        if let Some(answer) = advice::namespace::answer(request, &self.catalog, &self.settings) {
            return answer;
        }
        let (workload, pod) = match advice::pod_of_workload(request) {
            Ok(found) => found,
            Err(why) => return advice::silent(request, Decision::refused(why)),
        };
        // A controller creates the pod, never a node.
        let context = RequestContext {
            from_node: false,
            is_admission: false,
            user: None,
            ..RequestContext::of(request)
        };
        let served: Vec<_> = self.catalog.names(&context.namespace).collect();
        let document = match Document::read(&pod) {
            Ok(document) => document,
            Err(error) => {
                let decision = Decision::unreadable(&error);
                return advice::answer(request, &workload, decision, &served);
            }
        };
        let decision = match Pod::read(document.root()) {
            Ok(pod) if self.must_wait(&context, &pod) => {
                let allowed = Response::allowed(request.uid.as_str()).to_json();
                return Answer::unknown_namespace(request, Some(allowed));
            }
            Ok(pod) => self.decide(&context, &pod, None),
            Err(error) => Decision::unreadable(&error),
        };
        advice::answer(request, &workload, decision, &served)
    }

    /// Answers a review that was read.
    pub(crate) fn answer(&self, request: &Request<'_>) -> Answer {
        let object = match pod_to_create(request) {
            Ok(object) => object,
            Err(decision) => return Answer::to(request, DecidedPod::none(request, *decision)),
        };
        let pod = match Pod::read(object) {
            Ok(pod) => pod,
            Err(error) => {
                let decided = DecidedPod::named(String::new(), Decision::unreadable(&error));
                return Answer::to(request, decided);
            }
        };
        let context = RequestContext::of(request);
        if self.must_wait(&context, &pod) {
            return Answer::unknown_namespace(request, None);
        }
        let decision = self.decide(&context, &pod, None);
        let is_unchanged = decision.verdict() == Verdict::Unchanged;
        let mut decided = DecidedPod::of(&pod, decision);
        decided.matches_no_entry = is_unchanged && self.matches_no_entry(&context, &pod);
        Answer::to(request, decided)
    }

    /// Whether no entry of the shipped webhook configuration matches the pod while its namespace has the labels
    /// that the watch cache holds.
    fn matches_no_entry(&self, context: &RequestContext, pod: &Pod<'_>) -> bool {
        self.settings.namespaces.is_watched()
            && self.with_selection_input(context, pod, |asked| {
                !selection::is_left_alone(&self.settings, asked) && !selection::is_called_for(asked)
            })
    }

    /// Asks something of the selection for a pod.
    fn with_selection_input<T>(
        &self,
        context: &RequestContext,
        pod: &Pod<'_>,
        ask: impl FnOnce(SelectionInput<'_>) -> T,
    ) -> T {
        ask(SelectionInput {
            namespace: &context.namespace,
            namespace_object: &self.settings.namespaces.get(&context.namespace),
            labels: &RequestContext::labels(pod),
            annotations: &context.annotations(pod),
            from_node: context.from_node,
        })
    }

    /// Whether a pod in which no key of Pillion's is written may be selected for.
    pub(crate) fn may_select_unasked(&self) -> bool {
        self.catalog.has_unasked() || self.settings.namespaces.has_asking()
    }

    /// Whether the watch cache does not hold the pod's namespace yet, and the decision depends on it.
    fn must_wait(&self, context: &RequestContext, pod: &Pod<'_>) -> bool {
        self.settings.namespaces.is_unknown(&context.namespace)
            && self.with_selection_input(context, pod, |asked| {
                !selection::is_left_alone(&self.settings, asked)
            })
    }
}

/// Whether a pod for which nothing is selected may hold what was added when something was.
fn keeps_earlier_work(why: &Refusal, asked: SelectionInput<'_>, pod: &Pod<'_>) -> bool {
    why.reason.is_unselected() && has_status(pod) && selection::is_called_for(asked)
}

/// Reads the request of a review and answers it.
fn with_request(body: &[u8], answer: impl FnOnce(&Request<'_>) -> Answer) -> Answer {
    let document = match request::document(body) {
        Ok(document) => document,
        Err(error) => return Answer::BadRequest(with_sources(&error)),
    };
    match request::read(&document) {
        Ok(request) => answer(&request),
        Err(error) => Answer::BadRequest(with_sources(&error)),
    }
}

/// The lists that templates add to, with their fields.
type Lists<'p> = [(&'static str, Option<Json<'p>>); 3];

fn lists<'p>(pod: &'p Pod<'_>) -> Lists<'p> {
    let spec = pod.spec().unwrap_or_default();
    [
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
        ("volumes", spec.volumes),
    ]
}

/// What is said of a pod with a list that is too long to be gone over.
fn long_list(lists: &Lists<'_>) -> Option<String> {
    let (field, length) = lists
        .iter()
        .map(|(field, list)| (field, list.map_or(0, |list| list.elements().count())))
        .find(|(_, length)| *length > MOST_ELEMENTS)?;
    Some(format!(
        "the pod has {length} elements in spec.{field}; templates are applied to pods with at most \
         {MOST_ELEMENTS}"
    ))
}

/// What is said of a pod that is more than can be made into data: elements of lists may be two bytes long.
fn too_large(pod: &Pod<'_>) -> Option<String> {
    let size = pod.size();
    // An earlier call took the pod and added to it: the next one does not refuse it for that.
    let most = if has_status(pod) {
        2 * MOST_VALUES
    } else {
        MOST_VALUES
    };
    (size > most).then(|| {
        format!(
            "the pod has {size} values and keys; templates are applied to pods with at most {most}"
        )
    })
}

/// What is said of a pod with a name that no container or volume can have: messages repeat names, and the
/// API server calls before it looks at them.
fn long_name(lists: &Lists<'_>) -> Option<String> {
    lists.iter().find_map(|(field, list)| {
        let index = (*list)?.elements().position(|element| {
            let name = element.text("name");
            name.is_some_and(|name| name.len() > LONGEST_NAME)
        })?;
        Some(format!(
            "spec.{field}[{index}].name has more than {LONGEST_NAME} characters; Kubernetes allows 63"
        ))
    })
}

#[cfg(test)]
mod tests;
