//! The decision cache around the engine: a pod that is like an earlier one is answered as that was.
//!
//! Most pods are copies: the replicas of a workload differ in nothing that is decided upon, and the
//! API server asks a second time about a pod that another webhook changed. A decision depends on its
//! engine and on the review, so that the same gives the same, and it need not be made again.
//!
//! What is compared is the whole review, byte by byte and never by its hash alone, but for what the
//! API server makes up for each pod ([`form`]). Of that one thing is copied into answers: the name of
//! the ServiceAccount's volume. It is left out only where the API server writes it, as the name of
//! that volume and of its mounts; a pod that names it anywhere else is decided about each time. Two
//! pods with names of their own in the same places are one pod under two names: the answer is the
//! same, with the one name in the places of the other. Expressions of templates do not see that
//! volume and these mounts (`defaults::without_plugins`), so that the name is only ever compared and
//! copied. (A template that itself holds the very name which was made up for one pod would see its own
//! replaced; nobody writes what is made up anew for each pod.)

mod key;
mod volatile;

use std::sync::{Arc, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::answer::{Answer, Endpoint, Regarding};
use super::engine::Engine;
use super::settings::{Namespace, Namespaces, Settings};
use super::verdict::{Decision, EnforcedFinding, TemplateOutcome, Verdict};
use crate::kubernetes::defaults::TOKEN_VOLUME;
use crate::review::{Request, Response, pod, request};
use crate::template::Catalog;
use key::CacheKey;

/// An engine whose decisions are kept.
#[derive(Debug, Clone)]
pub struct CachedEngine {
    engine: Engine,
    cache: Option<Arc<DecisionCache>>,
}

impl CachedEngine {
    /// The engine with room for decisions of so many bytes together; 0: it keeps none.
    pub fn new(engine: Engine, bytes: usize) -> Self {
        let cache = (bytes > 0).then(|| Arc::new(DecisionCache::new(bytes)));
        Self { engine, cache }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine that follows this one. Where only namespaces have changed, decisions about pods of
    /// the other namespaces are kept.
    pub fn followed_by(&self, catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        let old = self.engine.settings();
        let is_same = Arc::ptr_eq(self.engine.catalog(), &catalog)
            && old.without_namespaces() == settings.without_namespaces();
        let cache = match &self.cache {
            Some(cache) if !is_same => Some(Arc::new(DecisionCache::new(cache.bytes))),
            cache => cache.clone(),
        };
        Self {
            engine: Engine::new(catalog, settings),
            cache,
        }
    }

    /// The engine's answer at an endpoint, and whether it was recalled.
    pub fn answer(&self, endpoint: Endpoint, body: &[u8]) -> (Answer, bool) {
        match (endpoint, &self.cache) {
            (Endpoint::Mutate, Some(cache)) => self.recall_or_review(cache, body),
            (Endpoint::Mutate, None) => (self.engine.review(body), false),
            (Endpoint::Advise, _) => (self.engine.advise(body), false),
        }
    }

    fn recall_or_review(&self, cache: &DecisionCache, body: &[u8]) -> (Answer, bool) {
        // Looking such a pod up would take longer than deciding.
        let is_plain = !self.engine.may_select_unasked() && !pod::names_our_key(body);
        let key = if is_plain {
            None
        } else {
            DecisionCache::key(body)
        };
        let Some(key) = key else {
            return (self.engine.review(body), false);
        };
        let namespaces = &self.engine.settings().namespaces;
        if let Some(answer) = cache.recall(&key, body, namespaces) {
            return (answer, true);
        }
        let Ok(document) = request::document(body) else {
            return (self.engine.review(body), false);
        };
        let Ok(request) = request::read(&document) else {
            return (self.engine.review(body), false);
        };
        let answer = self.engine.answer(&request);
        cache.keep((key, body), &request, &answer, namespaces);
        (answer, false)
    }
}

/// A review of more bytes than this is decided about each time: it would push out many others.
const LARGEST: usize = 256 * 1024;

/// What a kept decision takes besides its form and its response, estimated in bytes.
const OVERHEAD: usize = 2048;

/// The bytes of a decision by which the cache is cut into parts, each with room for 32 of these: more
/// than most have, so that the parts are few and each has room for a large one.
const ESTIMATE: usize = 64 * 1024;

/// What stands in front of a response's patch.
const PATCH: &[u8] = b",\"patch\":\"";

/// An answer with what was known when it was given.
#[derive(Debug)]
struct CacheEntry {
    /// `request.namespace`.
    namespace: String,
    /// What was known of the namespace; it is not kept alive.
    facts: Option<Weak<Namespace>>,
    /// The pod's name in logs.
    pod: String,
    /// `request.dryRun`.
    dry_run: bool,
    /// Without its patch, which is in the response.
    decision: Arc<Decision>,
    regarding: Option<Regarding>,
    /// The response behind the request's uid.
    response: Vec<u8>,
    /// Where the made-up name stands in the response, if there is one.
    token: Option<TokenOffsets>,
    /// About how many bytes all of it has.
    bytes: usize,
}

/// Where a made-up name stands in a patch that is base64 within a response.
#[derive(Debug, Default)]
struct TokenOffsets {
    /// Where the patch begins in the response.
    patch: usize,
    /// Where the name stands in the patch as JSON.
    places: Vec<usize>,
}

impl TokenOffsets {
    /// Where a name stands; `None` where the patch of a response cannot be read again.
    fn of(name: &str, response: &[u8]) -> Option<Self> {
        let Some(start) = memchr::memmem::find(response, PATCH) else {
            return Some(Self::default());
        };
        let patch = start + PATCH.len();
        let behind = response.get(patch..)?;
        let base64 = behind.get(..memchr::memchr(b'"', behind)?)?;
        let json = STANDARD.decode(base64).ok()?;
        let places = memchr::memmem::find_iter(&json, name).collect();
        Some(Self { patch, places })
    }

    /// Writes another name of the same length in these places: base64 goes by groups of three bytes,
    /// so that only the groups which hold a part of the name are written anew.
    fn write(&self, name: &str, response: &mut [u8]) -> Option<()> {
        for place in &self.places {
            let (first, last) = (place / 3, (place + name.len() - 1) / 3);
            let groups = self.patch + first * 4..self.patch + (last + 1) * 4;
            let groups = response.get_mut(groups)?;
            let mut bytes = STANDARD.decode(&*groups).ok()?;
            let start = place - first * 3;
            let part = bytes.get_mut(start..start + name.len())?;
            part.copy_from_slice(name.as_bytes());
            STANDARD.encode_slice(&bytes, groups).ok()?;
        }
        Some(())
    }
}

/// The decisions that were made last, within a bound of memory.
#[derive(Debug)]
struct DecisionCache {
    bytes: usize,
    cache: Cache<Box<[u8]>, Arc<CacheEntry>, Weight>,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<[u8]>, Arc<CacheEntry>> for Weight {
    fn weight(&self, key: &Box<[u8]>, kept: &Arc<CacheEntry>) -> u64 {
        u64::try_from(key.len() + kept.bytes).unwrap_or(u64::MAX)
    }
}

impl DecisionCache {
    /// Room for decisions of so many bytes together.
    fn new(bytes: usize) -> Self {
        let most = u64::try_from(bytes).unwrap_or(u64::MAX);
        Self {
            bytes,
            cache: Cache::with_weighter(bytes / ESTIMATE, most, Weight),
        }
    }

    /// The key of a review, where it is one to keep.
    fn key(body: &[u8]) -> Option<CacheKey> {
        (body.len() <= LARGEST)
            .then(|| CacheKey::of(body))
            .flatten()
    }

    /// The answer that an earlier review of this form got, as this one's.
    fn recall(&self, form: &CacheKey, body: &[u8], namespaces: &Namespaces) -> Option<Answer> {
        let kept = self.cache.get(form.key())?;
        let is_known = namespaces.is_as_before(&kept.namespace, kept.facts.as_ref());
        if is_known {
            kept.answer(form, body)
        } else {
            None
        }
    }

    /// Keeps the answer to a review of this form that was read as this request.
    fn keep(
        &self,
        (form, body): (CacheKey, &[u8]),
        request: &Request<'_>,
        answer: &Answer,
        namespaces: &Namespaces,
    ) {
        let is_asked = request.is_about_a_pod()
            && request.is_creation()
            && request
                .object
                .is_some_and(|object| object.get("spec").is_some());
        // What nobody asks for is decided as fast as it is looked up.
        let is_worth_it = matches!(answer, Answer::Review { decision, .. }
            if decision.verdict() != Verdict::Unchanged || !decision.outcomes.is_empty());
        if is_asked && is_worth_it && form.is_blank_where_unread(body, request) {
            let kept = CacheEntry::of(form.token(body), answer, namespaces);
            if let Some(kept) = kept {
                self.cache.insert(form.into_key(), Arc::new(kept));
            }
        }
    }
}

impl CacheEntry {
    /// What to keep of an answer about a pod with this made-up name; `None` where a sentence in it
    /// speaks of the name.
    fn of(token: Option<&str>, answer: &Answer, namespaces: &Namespaces) -> Option<Self> {
        let Answer::Review {
            body,
            uid,
            namespace,
            pod,
            dry_run,
            decision,
            regarding,
        } = answer
        else {
            return None;
        };
        let response = body.get(Response::begin(uid, 0).len()..)?;
        let token = match token {
            Some(_) if speaks_of_it(decision, response) => return None,
            Some(name) => Some(TokenOffsets::of(name, response)?),
            None => None,
        };
        let decision = decision.without_patch();
        Some(Self {
            bytes: size(&decision, response)
                + namespace.len()
                + pod.len()
                + names(regarding.as_ref()),
            namespace: namespace.clone(),
            facts: namespaces.shared(namespace).as_ref().map(Arc::downgrade),
            pod: pod.clone(),
            dry_run: *dry_run,
            decision: Arc::new(decision),
            regarding: regarding.clone(),
            response: response.to_vec(),
            token,
        })
    }

    /// The same answer to a review of the same form.
    fn answer(&self, form: &CacheKey, body: &[u8]) -> Option<Answer> {
        let uid = form.uid(body)?;
        let mut answer = Response::begin(uid, self.response.len());
        let start = answer.len();
        answer.extend_from_slice(&self.response);
        if let Some(names) = &self.token {
            names.write(form.token(body)?, answer.get_mut(start..)?)?;
        }
        Some(Answer::Review {
            body: answer,
            uid: uid.to_owned(),
            namespace: self.namespace.clone(),
            pod: self.pod.clone(),
            dry_run: self.dry_run,
            decision: Arc::clone(&self.decision),
            regarding: self.regarding.clone(),
        })
    }
}

/// About how many bytes a decision without its patch and a response have.
fn size(decision: &Decision, response: &[u8]) -> usize {
    let finding = |judged: &&EnforcedFinding| {
        let finding = &judged.finding;
        size_of::<EnforcedFinding>()
            + finding.path.len()
            + finding.message.len()
            + finding.logged.len()
    };
    let outcomes = decision.outcomes.iter();
    let outcomes = outcomes.map(|outcome| {
        let names = outcome.template.len() + outcome.revision.len();
        size_of::<TemplateOutcome>() + names + outcome.message.len() + outcome.logged.len()
    });
    let findings = decision.judged();
    OVERHEAD
        + response.len()
        + decision.message.len()
        + decision.logged.len()
        + outcomes.sum::<usize>()
        + findings.iter().map(finding).sum::<usize>()
}

/// How many bytes the names have of what an event regards.
fn names(regarding: Option<&Regarding>) -> usize {
    regarding.map_or(0, |regarding| {
        let Regarding {
            api_version,
            kind,
            name,
            uid,
        } = regarding;
        api_version.len() + kind.len() + name.len() + uid.len()
    })
}

/// Whether a sentence of an answer speaks of such a volume, be it by a part of its name.
fn speaks_of_it(decision: &Decision, response: &[u8]) -> bool {
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, TOKEN_VOLUME.as_bytes()).is_some();
    let texts = |outcome: &TemplateOutcome| {
        holds(outcome.message.as_bytes()) || holds(outcome.logged.as_bytes())
    };
    holds(response)
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

#[cfg(test)]
mod tests;
