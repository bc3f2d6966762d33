//! Taking out of a pod what templates added to it.
//!
//! `uninject` does it for people; the engine does it to apply templates afresh, or to plan again when
//! the API server calls a second time. What is taken out is what is still ours (`ownership.rs`);
//! what is left is said.

mod foreign;
mod removal;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::ownership::{PodContent, State, emits, items, name};
use super::patch::unescape;
use super::settings::ForeignHelpers;
use super::status::{Element, Elements, Status};
use crate::kubernetes::fields;
use crate::kubernetes::keys::{DOMAIN, FILE_PREFIX, STATUS_PREFIX};
use crate::kubernetes::object::list_at;
use crate::kubernetes::paths;
use crate::kubernetes::schema;
use crate::template::Template;
use foreign::ForeignContainers;

/// The field of a pod that says whether it may speak to the API server as its service account.
const TOKEN_MOUNT: &str = "automountServiceAccountToken";

/// Why a pod cannot be brought back to what it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RemovalError {
    /// A status annotation is not the JSON that Pillion writes.
    #[error("annotation {annotation}: not a status that Pillion wrote: {problem}")]
    Status {
        /// The annotation's key.
        annotation: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// For what a template's work is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A person wants the pod as it was.
    Uninject,
    /// The API server calls again: revision and parameters are the same.
    SecondCall,
    /// The template has another revision or other parameters, and is applied afresh.
    Afresh,
    /// The template is not selected any more.
    Unselected,
}

/// What a template's status claims.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'t> {
    pub(crate) status: Status,
    /// The template as it is served; `None`: it is not.
    pub(crate) template: Option<&'t Template>,
    /// For what its work is taken out.
    pub(crate) purpose: Purpose,
}

impl Claim<'_> {
    /// Whether the template as it is served adds an element of this very name to every pod.
    pub(super) fn emits(&self, element: Element<'_>) -> bool {
        self.template
            .is_some_and(|template| emits(template, element))
    }

    /// Whether the template as it is served sets this single value of the pod's spec. Of a list, a map or an
    /// object of it a status proves nothing: others have theirs there, such as the nodes that a policy keeps
    /// the pod to.
    pub(super) fn sets(&self, element: Element<'_>) -> bool {
        let (Element::Field(field) | Element::Default(field)) = element else {
            return false;
        };
        self.purpose == Purpose::Unselected
            && field != TOKEN_MOUNT
            && schema::field("PodSpec", field).is_some_and(|field| field.ty.is_scalar())
            && self
                .template
                .is_some_and(|template| template.sets_pod_field(field))
    }
}

/// An element that a status names.
struct Judged<'s> {
    element: Element<'s>,
    digest: Option<u64>,
    /// How it stands in the pod.
    state: State,
    /// Whether it is taken out.
    is_taken: bool,
}

/// What was taken out of a pod, and what was left, by template.
#[derive(Debug, Default)]
pub struct TakenOut {
    /// What was taken out, as a part of each status.
    pub(crate) taken: BTreeMap<String, Status>,
    /// Of that, what somebody had changed.
    pub(crate) changed: BTreeMap<String, Status>,
    /// What statuses name and was left.
    pub left: BTreeMap<String, Status>,
    /// Volumes that were taken out although something mounts them which stays: their templates add them again.
    pub(crate) mounted: BTreeSet<String>,
    /// The pod's containers that are other injectors' helpers.
    pub(crate) foreign: BTreeSet<String>,
}

impl TakenOut {
    /// Counts as left only what is still in the pod: what was in a container that was taken out went
    /// with it.
    pub fn forget_absent(&mut self, pod: &Value) {
        self.left.retain(|_, status| !status.names_nothing());
        if self.left.is_empty() {
            return;
        }
        let content = PodContent::new(pod);
        self.left.retain(|_, status| {
            let all = std::mem::take(status);
            *status = all.with_elements(&|element, _| content.find(element).is_some());
            !status.names_nothing()
        });
    }

    /// What was left, in words.
    pub fn left_in_words(&self) -> Vec<String> {
        self.left
            .iter()
            .flat_map(|(template, status)| {
                let elements = status.elements();
                elements.map(move |(element, _)| format!("{element} (template `{template}`)"))
            })
            .collect()
    }
}

/// Takes out what is ours of what the status annotations of `pod` (an object with `metadata` and
/// `spec`) name. A status of which something is left stays, with that alone.
pub fn remove<'t>(
    pod: &mut Value,
    served: &dyn Fn(&str) -> Option<&'t Template>,
    foreign: &ForeignHelpers,
) -> Result<TakenOut, RemovalError> {
    let mut claims = BTreeMap::new();
    for (template, text) in statuses(pod) {
        let status = serde_json::from_str(&text).map_err(|error| RemovalError::Status {
            annotation: Status::key(&template),
            problem: error.to_string(),
        })?;
        let claim = Claim {
            status,
            template: served(&template),
            purpose: Purpose::Uninject,
        };
        claims.insert(template, claim);
    }
    Ok(take_out(pod, &claims, foreign))
}

/// The texts of the status annotations, by template.
pub(crate) fn statuses(pod: &Value) -> BTreeMap<String, String> {
    pod.pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let template = key.strip_prefix(STATUS_PREFIX)?.to_owned();
            Some((template, value.as_str().unwrap_or_default().to_owned()))
        })
        .collect()
}

/// Takes out what is ours of what is claimed.
pub(crate) fn take_out(
    pod: &mut Value,
    claims: &BTreeMap<String, Claim<'_>>,
    foreign: &ForeignHelpers,
) -> TakenOut {
    let mut result = {
        let foreign = ForeignContainers::of(pod, foreign);
        let mut result = judge(pod, claims, &foreign);
        keep_last_container(pod, &foreign, &mut result);
        result.foreign = foreign.names();
        result
    };
    keep_mounted(pod, claims, &mut result);
    for status in result.taken.values() {
        removal::remove_all(pod, status);
    }
    result.forget_absent(pod);
    for (template, claim) in claims {
        let left = result
            .left
            .get(template)
            .filter(|_| matches!(claim.purpose, Purpose::Uninject | Purpose::Unselected));
        let is_whole = result.taken.get(template).is_none_or(Status::names_nothing);
        match left {
            // Nothing was taken out: it says what it said.
            Some(_) if is_whole => {}
            Some(left) => removal::write_status(pod, template, left),
            None => removal::remove_status(pod, template),
        }
    }
    removal::prune(pod);
    result
}

/// Parts what is claimed into what is to be taken out and what is left, from how it stands in the pod.
fn judge(
    pod: &Value,
    claims: &BTreeMap<String, Claim<'_>>,
    foreign: &ForeignContainers<'_>,
) -> TakenOut {
    let mut result = TakenOut::default();
    let content = PodContent::new(pod);
    for (template, claim) in claims {
        let status = &claim.status;
        let elements = status.elements().map(|(element, digest)| {
            let state = content.state(element, digest);
            Judged {
                element,
                digest,
                state,
                is_taken: is_ours(claim, element, state) && !foreign.hold(template, claim, element),
            }
        });
        let judged: Vec<Judged<'_>> = elements.collect();
        let mut taken = part(status, &judged, |_, is_taken| is_taken);
        let changed = part(status, &judged, |state, is_taken| {
            is_taken && state != State::Unchanged
        });
        let left = part(status, &judged, |state, is_taken| {
            !is_taken && state != State::Absent
        });
        // What is left keeps its place in the autoscaler's list.
        taken
            .safe_to_evict
            .retain(|volume| !left.volumes.contains(volume));
        result.taken.insert(template.clone(), taken);
        result.changed.insert(template.clone(), changed);
        result.left.insert(template.clone(), left);
    }
    result
}

/// What of a status is kept, by how each of its elements stands in the pod and whether it is taken out.
fn part(status: &Status, judged: &[Judged<'_>], keep: fn(State, bool) -> bool) -> Status {
    let kept: HashSet<_> = judged
        .iter()
        .filter(|judged| keep(judged.state, judged.is_taken))
        .map(|judged| (judged.element, judged.digest))
        .collect();
    let whole = status.clone();
    if kept.len() == judged.len() {
        return whole;
    }
    whole.with_elements(&|element, digest| kept.contains(&(element, digest)))
}

/// Whether an element is ours, from how it stands in the pod.
fn is_ours(claim: &Claim<'_>, element: Element<'_>, state: State) -> bool {
    if !may_be_added(claim, element) {
        return false;
    }
    match (state, claim.purpose) {
        (State::Absent, _) => false,
        (State::Unchanged, Purpose::Unselected) => {
            !is_security_or_pod(element) || claim.sets(element)
        }
        (State::Unchanged, _) | (State::Changed, Purpose::SecondCall | Purpose::Afresh) => true,
        (State::Changed | State::Undigested, purpose) => {
            purpose != Purpose::Unselected && claim.emits(element)
        }
    }
}

/// Whether a template can have added an element at all, whatever a status says.
fn may_be_added(claim: &Claim<'_>, element: Element<'_>) -> bool {
    match element {
        // No container can be without these.
        Element::Edit(_, "name") => false,
        Element::Edit(container, "image") => claim.emits(Element::Container(container)),
        // A template fills in the placeholders of its own helpers.
        Element::Image(container) => claim
            .template
            .filter(|template| template.revision == claim.status.revision)
            .is_none_or(|template| template.has_helper(container)),
        // Those of the pod itself, as older API servers fill them in.
        Element::Field(key) if key.starts_with("resources/requests/") => true,
        Element::Field(key) | Element::Default(key) => {
            fields::is_for_pod(key.split('/').next().unwrap_or_default())
        }
        Element::Label(key) | Element::Annotation(key) => {
            !key.starts_with(DOMAIN) || key.starts_with(FILE_PREFIX)
        }
        _ => true,
    }
}

/// Whether an element is a field of the pod, or of a security context: nothing is taken out there
/// that the template as it is served does not set.
pub(crate) fn is_security_or_pod(element: Element<'_>) -> bool {
    match element {
        Element::Field(_) | Element::Default(_) => true,
        Element::Edit(_, key) => key.starts_with("securityContext"),
        _ => false,
    }
}

/// Leaves the containers, and the images in place of placeholders, where otherwise no app container
/// would be left.
fn keep_last_container(pod: &Value, foreign: &ForeignContainers<'_>, result: &mut TakenOut) {
    let taken: HashSet<&str> = result
        .taken
        .values()
        .flat_map(|status| status.containers.names().chain(status.auto.names()))
        .map(String::as_str)
        .collect();
    let mut names = items(pod, "containers").map(name);
    if !names.any(|name| !taken.contains(name) && !foreign.has(name)) {
        leave(result, &|element| {
            matches!(element, Element::Container(_) | Element::Image(_))
        });
    }
}

/// Leaves the volumes, and the files in them, that something mounts which stays, but for those that their
/// templates add again.
fn keep_mounted(pod: &Value, claims: &BTreeMap<String, Claim<'_>>, result: &mut TakenOut) {
    let taken: Vec<&Status> = result.taken.values().collect();
    let mut mounted = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for container in items(pod, list) {
            let is_taken = taken.iter().any(|status| match list {
                "containers" => status.containers.contains(name(container)),
                _ => status.init_containers.contains(name(container)),
            });
            if is_taken {
                continue;
            }
            mounted.extend(volumes_used(container, &taken).map(str::to_owned));
        }
    }
    let (mounted, left): (BTreeSet<String>, BTreeSet<String>) = mounted
        .into_iter()
        .partition(|volume| is_added_again(claims, &result.taken, volume));
    let files: Vec<String> = left
        .iter()
        .map(|volume| format!("{FILE_PREFIX}{volume}."))
        .collect();
    leave(result, &|element| match element {
        Element::Volume(name) => left.contains(name),
        Element::Annotation(key) => files.iter().any(|start| key.starts_with(start.as_str())),
        _ => false,
    });
    result.mounted = mounted;
}

/// Whether the template whose volume is taken out is composed again, and has a volume of this name.
fn is_added_again(
    claims: &BTreeMap<String, Claim<'_>>,
    taken: &BTreeMap<String, Status>,
    volume: &str,
) -> bool {
    claims.iter().any(|(template, claim)| {
        let is_composed = matches!(claim.purpose, Purpose::SecondCall | Purpose::Afresh);
        let status = taken.get(template).filter(|_| is_composed);
        status.is_some_and(|status| status.volumes.contains(volume))
            && claim.emits(Element::Volume(volume))
    })
}

/// The volumes that a container which stays names: by its mounts and devices, and by variables out of files, but
/// for those that are taken out of it.
pub(super) fn volumes_used<'c>(
    container: &'c Value,
    taken: &[&Status],
) -> impl Iterator<Item = &'c str> {
    let edits = taken
        .iter()
        .filter_map(|status| status.edited.get(name(container)));
    let (mut paths, mut variables) = (HashSet::new(), HashSet::new());
    for key in edits.flat_map(Elements::names) {
        if let Some(path) = key.strip_prefix("volumeMounts/") {
            paths.insert(paths::shortest(&unescape(path)).into_owned());
        } else if let Some(variable) = key.strip_prefix("env/") {
            variables.insert(unescape(variable).into_owned());
        }
    }
    let mounts = list_at(container, "/volumeMounts").iter();
    let mounts = mounts.filter(move |mount| {
        let path = mount.get("mountPath").and_then(Value::as_str);
        !path.is_some_and(|path| paths.contains(paths::shortest(path).as_ref()))
    });
    let devices = list_at(container, "/volumeDevices").iter();
    let files = list_at(container, "/env")
        .iter()
        .filter(move |variable| !variables.contains(name(variable)))
        .filter_map(|variable| {
            variable
                .pointer("/valueFrom/fileKeyRef/volumeName")?
                .as_str()
        });
    mounts.chain(devices).map(name).chain(files)
}

/// Leaves what was to be taken out.
fn leave(result: &mut TakenOut, is_left: &dyn Fn(Element<'_>) -> bool) {
    for (template, taken) in &mut result.taken {
        let whole = std::mem::take(taken);
        let left = whole.clone().with_elements(&|element, _| is_left(element));
        *taken = whole.with_elements(&|element, _| !is_left(element));
        taken
            .safe_to_evict
            .retain(|volume| !left.volumes.contains(volume));
        if let Some(changed) = result.changed.get_mut(template) {
            *changed = std::mem::take(changed).with_elements(&|element, _| !is_left(element));
        }
        if let Some(known) = result.left.get_mut(template) {
            known.unite(left);
        }
    }
}

#[cfg(test)]
mod tests;
