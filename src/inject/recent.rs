//! Recent decisions: a pod that is like an earlier one is answered as that was.
//!
//! Most pods are copies: the replicas of a workload differ in nothing that is decided upon, and the
//! API server asks a second time about a pod that another webhook changed. A decision depends on
//! its engine, on whose pod it is and on what is read of the pod, so that the same gives the same,
//! and it need not be made again.
//!
//! What is compared is all of that, byte by byte and never by its hash alone. Only one name is left
//! out of it: of each pod's volume for the ServiceAccount's token the API server makes up another
//! (`kube-api-access-` and five characters). It is left out only where the API server writes it, as
//! the name of that volume and of its mounts; a pod that names it anywhere else is decided about each
//! time. Two pods with names of their own in the same places are one pod under two names: the answer
//! is the same, with the one name in the places of the other. Expressions of templates do not see
//! that volume and these mounts (`defaults::without_plugins`), so that the name is only ever compared
//! and copied.

use std::sync::{Arc, Weak};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::defaults::{TOKEN_PATH, TOKEN_VOLUME};
use super::pod::token::is_made_up;
use super::settings::Namespace;
use super::subject::Subject;
use super::verdict::{Decision, Judged};
use crate::review::pod::{Metadata, Owner, Spec};
use crate::review::response::put_base64;
use crate::review::{Object, Pod};

/// A pod of more bytes than this is decided about each time: it would push out many others.
const LARGEST: usize = 128 * 1024;

/// What a kept decision takes besides its key and its response, estimated in bytes.
const OVERHEAD: usize = 2048;

/// Room for the key of most pods, in bytes.
const USUAL_KEY: usize = 8 * 1024;

/// Bytes that a typical decision takes, to size the cache's own tables.
const TYPICAL: usize = 8 * 1024;

/// What stands in front of a response's patch.
const PATCH: &[u8] = b",\"patch\":\"";

/// What stands in front of the name in a mount that the API server writes (api:core/v1/types.go,
/// `VolumeMount`; k8s:plugin/pkg/admission/serviceaccount/admission.go).
const BEFORE: &[u8] = b"{\"name\":\"";

/// What stands there between the name and the path.
const BETWEEN: &[u8] = b"\",\"readOnly\":true,\"mountPath\":\"";

/// What stands for the made-up name in a key; no JSON holds such a byte.
const MARK: u8 = 0xff;

/// A decision with the response that states it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The decision, with the earlier pod's patch.
    pub decision: Arc<Decision>,
    response: Arc<Rest>,
    /// What was known of the namespace; it is not kept alive.
    namespace: Option<Weak<Namespace>>,
    /// About how many bytes all of it has.
    bytes: usize,
}

/// A response behind the request's uid.
#[derive(Debug)]
struct Rest {
    /// All of it; where the patch speaks of the made-up name, what stands before the patch.
    start: Vec<u8>,
    patch: Option<Renamed>,
}

/// A patch that speaks of the made-up name.
#[derive(Debug)]
struct Renamed {
    /// The patch, as JSON.
    json: Vec<u8>,
    /// Where the name stands in it.
    places: Vec<usize>,
    /// The response behind the patch.
    end: Vec<u8>,
}

impl Kept {
    /// The response to a question, behind the request's uid.
    pub fn write(&self, question: &Question, body: &mut Vec<u8>) {
        body.extend_from_slice(&self.response.start);
        let (Some(patch), Some(name)) = (&self.response.patch, &question.left_out) else {
            return;
        };
        let mut json = patch.json.clone();
        for place in &patch.places {
            if let Some(place) = json.get_mut(*place..place + name.len()) {
                place.copy_from_slice(name.as_bytes());
            }
        }
        put_base64(body, &json);
        body.extend_from_slice(&patch.end);
    }

    /// About how many bytes the response has.
    pub fn len(&self) -> usize {
        let patch = self.response.patch.as_ref();
        self.response.start.len() + patch.map_or(0, |patch| 2 * patch.json.len() + patch.end.len())
    }
}

impl Rest {
    /// Takes a response apart where its patch speaks of a name; `None` where it speaks of it elsewhere.
    fn new(rest: &[u8], decision: &Decision, name: Option<&str>) -> Option<Self> {
        let whole = Self {
            start: rest.to_vec(),
            patch: None,
        };
        let Some(name) = name else {
            return Some(whole);
        };
        if speaks_of_it(decision, rest) {
            return None;
        }
        let json = decision.patch.to_json().into_bytes();
        let places: Vec<usize> = memchr::memmem::find_iter(&json, name).collect();
        if places.is_empty() {
            return Some(whole);
        }
        let start = memchr::memmem::find(rest, PATCH)? + PATCH.len();
        let (start, behind) = rest.split_at_checked(start)?;
        let end = memchr::memchr(b'"', behind)?;
        Some(Self {
            start: start.to_vec(),
            patch: Some(Renamed {
                json,
                places,
                end: behind.get(end..)?.to_vec(),
            }),
        })
    }
}

/// A question that was answered, or is to be.
#[derive(Debug)]
pub struct Question {
    key: Box<[u8]>,
    /// The name that is left out of the key.
    left_out: Option<String>,
    namespace: Option<Arc<Namespace>>,
}

/// The decisions that were made last, within a bound of memory.
#[derive(Debug)]
pub struct Recent {
    bytes: usize,
    cache: Cache<Box<[u8]>, Kept, Weight>,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<[u8]>, Kept> for Weight {
    fn weight(&self, key: &Box<[u8]>, kept: &Kept) -> u64 {
        u64::try_from(key.len() + kept.bytes).unwrap_or(u64::MAX)
    }
}

impl Recent {
    /// Room for decisions of so many bytes together.
    pub fn new(bytes: usize) -> Self {
        let most = u64::try_from(bytes).unwrap_or(u64::MAX);
        Self {
            bytes,
            cache: Cache::with_weighter(bytes / TYPICAL, most, Weight),
        }
    }

    /// The same room with nothing in it.
    pub fn emptied(&self) -> Self {
        Self::new(self.bytes)
    }

    /// The decision that an earlier pod got to the same question.
    pub fn find(&self, question: &Question) -> Option<Kept> {
        let kept = self.cache.get(&question.key)?;
        let same = match (&kept.namespace, &question.namespace) {
            (Some(one), Some(other)) => one.as_ptr() == Arc::as_ptr(other),
            (None, None) => true,
            _ => false,
        };
        same.then_some(kept)
    }

    /// Keeps a decision and its response behind the uid, unless a sentence of it speaks of what the
    /// key leaves out.
    pub fn keep(&self, question: Question, decision: &Arc<Decision>, rest: &[u8]) {
        let Some(response) = Rest::new(rest, decision, question.left_out.as_deref()) else {
            return;
        };
        let kept = Kept {
            bytes: size(decision) + 3 * rest.len() + OVERHEAD,
            decision: Arc::clone(decision),
            response: Arc::new(response),
            namespace: question.namespace.as_ref().map(Arc::downgrade),
        };
        self.cache.insert(question.key, kept);
    }
}

/// About how many bytes the sentences of a decision have.
fn size(decision: &Decision) -> usize {
    let judged = |judged: &&Judged| {
        let finding = &judged.finding;
        size_of::<Judged>() + finding.path.len() + finding.message.len() + finding.logged.len()
    };
    let outcomes = decision.outcomes.iter();
    let outcomes = outcomes.map(|outcome| outcome.message.len() + outcome.logged.len());
    let findings = decision.judged();
    decision.message.len()
        + decision.logged.len()
        + outcomes.sum::<usize>()
        + findings.iter().map(judged).sum::<usize>()
}

/// Whether a sentence of an answer speaks of such a volume, be it by a part of its name.
fn speaks_of_it(decision: &Decision, rest: &[u8]) -> bool {
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, TOKEN_VOLUME.as_bytes()).is_some();
    let texts = |outcome: &super::Outcome| {
        holds(outcome.message.as_bytes()) || holds(outcome.logged.as_bytes())
    };
    holds(rest)
        || holds(decision.message.as_bytes())
        || holds(decision.logged.as_bytes())
        || decision.outcomes.iter().any(texts)
        || decision.judged().iter().any(|judged| {
            let finding = &judged.finding;
            holds(finding.path.as_bytes())
                || holds(finding.message.as_bytes())
                || holds(finding.logged.as_bytes())
        })
}

impl Question {
    /// What is asked about a pod; `None` where it is not one to keep.
    pub fn new(
        subject: &Subject,
        pod: &Pod<'_>,
        namespace: Option<Arc<Namespace>>,
    ) -> Option<Self> {
        if !pod.has_spec() || !subject.annotations.is_empty() {
            return None;
        }
        let mut key = Vec::with_capacity(USUAL_KEY);
        text(&mut key, Some(&subject.namespace));
        text(&mut key, subject.user.as_deref());
        key.push(u8::from(subject.from_node));
        metadata(&mut key, pod.metadata.as_ref());
        let mut left_out = None;
        spec(&mut key, pod.spec().ok()?, &mut left_out)?;
        if let Some(name) = &left_out {
            leave_out(&mut key, name.as_bytes())?;
        }
        Some(Self {
            key: key.into_boxed_slice(),
            left_out,
            namespace,
        })
    }
}

/// Puts marks in the place of a name in the mounts that the API server wrote; `None` where it stands
/// anywhere else, so that it makes a difference.
fn leave_out(key: &mut [u8], name: &[u8]) -> Option<()> {
    let places: Vec<usize> = memchr::memmem::find_iter(key, name).collect();
    for place in places {
        let end = place + name.len();
        let path = key.get(end..)?.strip_prefix(BETWEEN);
        let behind = path.and_then(|path| path.strip_prefix(TOKEN_PATH.as_bytes()));
        let is_the_mounts = key.get(..place)?.ends_with(BEFORE)
            && behind.is_some_and(|rest| rest.starts_with(b"\""));
        if !is_the_mounts {
            return None;
        }
        key.get_mut(place..end)?.fill(MARK);
    }
    Some(())
}

/// What is read of the metadata; `managedFields` and the like are nothing that is decided upon.
fn metadata(key: &mut Vec<u8>, metadata: Option<&Metadata<'_>>) {
    let Some(Metadata {
        name,
        generate_name,
        labels,
        annotations,
        owner_references,
    }) = metadata
    else {
        return text(key, None);
    };
    key.push(1);
    for one in [name, generate_name] {
        text(key, one.as_ref().map(crate::review::Text::as_str));
    }
    for dictionary in [labels, annotations] {
        length(
            key,
            dictionary.as_ref().map(std::collections::BTreeMap::len),
        );
        for (name, value) in dictionary.iter().flatten() {
            text(key, Some(name.as_str()));
            text(key, Some(value.as_str()));
        }
    }
    length(key, owner_references.as_ref().map(Vec::len));
    for owner in owner_references.iter().flatten() {
        let Owner {
            api_version,
            kind,
            name,
            uid,
            controller,
        } = owner;
        for one in [api_version, kind, name, uid] {
            text(key, one.as_ref().map(crate::review::Text::as_str));
        }
        key.push(controller.map_or(2, u8::from));
    }
}

/// What is read of the spec, as it came, but for the made-up name of the ServiceAccount's volume, which
/// becomes `left_out`; `None` where it is too much.
fn spec(key: &mut Vec<u8>, spec: &Spec<'_>, left_out: &mut Option<String>) -> Option<()> {
    object(key, &spec.others)?;
    for list in [&spec.init_containers, &spec.containers] {
        length(key, list.as_ref().map(Vec::len));
        for element in list.iter().flatten() {
            object(key, element)?;
        }
    }
    length(key, spec.volumes.as_ref().map(Vec::len));
    for volume in spec.volumes.iter().flatten() {
        let name = volume.text("name").filter(|name| is_made_up(name));
        match name.filter(|_| left_out.is_none() && volume.get("projected").is_some()) {
            Some(name) => {
                *left_out = Some(name.into_owned());
                key.push(MARK);
                let others = volume
                    .0
                    .iter()
                    .filter(|(field, _)| field.as_str() != "name");
                object(key, &Object(others.cloned().collect()))?;
            }
            None => object(key, volume)?,
        }
    }
    Some(())
}

fn object(key: &mut Vec<u8>, object: &Object<'_>) -> Option<()> {
    length(key, Some(object.0.len()));
    for (name, value) in &object.0 {
        text(key, Some(name.as_str()));
        text(key, Some(value.get()));
    }
    (key.len() <= LARGEST).then_some(())
}

/// Writes a text so that no two sequences of texts are alike.
fn text(key: &mut Vec<u8>, text: Option<&str>) {
    length(key, text.map(str::len));
    key.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn length(key: &mut Vec<u8>, length: Option<usize>) {
    match length {
        Some(length) => {
            key.push(1);
            key.extend_from_slice(&length.to_le_bytes());
        }
        None => key.push(0),
    }
}

#[cfg(test)]
mod tests;
