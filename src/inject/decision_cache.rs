//! The decision cache around the engine: a review like an earlier one gets that one's answer.
//!
//! Most pods are copies: replicas of a workload differ in nothing that a decision depends on, and the API
//! server calls again for a pod that another webhook changed. A decision depends on its engine and on the
//! review alone, so that it need not be made again.
//!
//! The cache compares whole reviews, byte by byte and never by a hash alone, except for what the API
//! server makes up for each pod ([`key`]). One such part is copied into answers: the name of the
//! ServiceAccount's volume. The key leaves it out only where the API server writes it, as the name of that
//! volume and of its mounts; a pod that has the name anywhere else is decided afresh. Two pods with their
//! own names in the same places are one pod under two names, and the cached answer gets the new name in the
//! places of the old. Expressions never see that volume and its mounts (`defaults::without_plugins`), so
//! the engine only compares and copies the name. (A template that contains the very name that the API
//! server made up for one pod would see its own text replaced; nobody writes such a name.)

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

/// An engine with a decision cache in front of it.
#[derive(Debug, Clone)]
pub struct CachedEngine {
    engine: Engine,
    cache: Option<Arc<DecisionCache>>,
}

impl CachedEngine {
    /// The engine with a cache of this many bytes; 0 turns the cache off.
    pub fn new(engine: Engine, bytes: usize) -> Self {
        let cache = (bytes > 0).then(|| Arc::new(DecisionCache::new(bytes)));
        Self { engine, cache }
    }

    /// The engine behind the cache.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine that replaces this one. Cached decisions survive where only namespaces have changed: a
    /// lookup compares what was known of the pod's own namespace.
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

    /// The answer at an endpoint, and whether it came from the cache.
    pub fn answer(&self, endpoint: Endpoint, body: &[u8]) -> (Answer, bool) {
        match (endpoint, &self.cache) {
            (Endpoint::Mutate, Some(cache)) => self.recall_or_review(cache, body),
            (Endpoint::Mutate, None) => (self.engine.review(body), false),
            (Endpoint::Advise, _) => (self.engine.advise(body), false),
        }
    }

    /// The same; evaluation ends as soon as `is_late` says that nobody waits for it any more.
    pub(crate) fn answer_until(
        &self,
        endpoint: Endpoint,
        body: &[u8],
        is_late: impl Fn() -> bool + Send + Sync + 'static,
    ) -> (Answer, bool) {
        let with_deadline = Self {
            engine: self.engine.until(is_late),
            cache: self.cache.clone(),
        };
        with_deadline.answer(endpoint, body)
    }

    fn recall_or_review(&self, cache: &DecisionCache, body: &[u8]) -> (Answer, bool) {
        // Deciding on a pod that no template is selected for is faster than a lookup.
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
        // What was refused for want of time says nothing of the next pod.
        if !self.engine.is_late() {
            cache.keep((key, body), &request, &answer, namespaces);
        }
        (answer, false)
    }
}

/// Longer reviews are not cached: one would evict many others.
const LARGEST: usize = 256 * 1024;

/// Estimated bytes of a cache entry besides its key, its response and its texts.
const OVERHEAD: usize = 2048;

/// Estimated entry size. `quick_cache` creates one shard per 32 estimated entries; a high estimate gives few,
/// large shards.
const ESTIMATE: usize = 64 * 1024;

/// The bytes in front of a response's patch.
const PATCH: &[u8] = b",\"patch\":\"";

/// A cached answer with what was known of the namespace then.
#[derive(Debug)]
struct CacheEntry {
    namespace: String,
    /// What was known of the namespace. The cache does not keep it alive.
    facts: Option<Weak<Namespace>>,
    /// The pod's name in logs.
    pod: String,
    dry_run: bool,
    /// The decision without its patch, which the response holds.
    decision: Arc<Decision>,
    regarding: Option<Regarding>,
    /// The response behind the request's uid.
    response: Vec<u8>,
    /// The places of the ServiceAccount volume's name in the response, where the review has one.
    token: Option<TokenOffsets>,
    /// Estimated bytes of the entry.
    bytes: usize,
}

/// The places of the ServiceAccount volume's name in the base64 patch of a response.
#[derive(Debug, Default)]
struct TokenOffsets {
    /// Offset of the patch in the response.
    patch: usize,
    /// Offsets of the name in the decoded patch.
    places: Vec<usize>,
}

impl TokenOffsets {
    /// Finds a name; `None` where the patch of the response cannot be decoded.
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

    /// Writes another name of the same length in these places. Base64 encodes groups of three bytes, so only
    /// the groups that hold a part of the name change.
    fn write(&self, name: &str, response: &mut [u8]) -> Option<()> {
        for place in &self.places {
            let (first, last) = (place / 3, (place + name.len() - 1) / 3);
            let groups = response.get_mut(self.patch + first * 4..self.patch + (last + 1) * 4)?;
            let mut bytes = STANDARD.decode(&*groups).ok()?;
            let start = place - first * 3;
            let part = bytes.get_mut(start..start + name.len())?;
            part.copy_from_slice(name.as_bytes());
            STANDARD.encode_slice(&bytes, groups).ok()?;
        }
        Some(())
    }
}

/// Recent decisions, bounded by bytes.
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
    /// A cache of this many bytes.
    fn new(bytes: usize) -> Self {
        let most = u64::try_from(bytes).unwrap_or(u64::MAX);
        Self {
            bytes,
            cache: Cache::with_weighter(bytes / ESTIMATE, most, Weight),
        }
    }

    /// The key of a review; `None` where the review is not to be cached.
    fn key(body: &[u8]) -> Option<CacheKey> {
        (body.len() <= LARGEST)
            .then(|| CacheKey::of(body))
            .flatten()
    }

    /// The answer to an earlier review with this key, adapted to this one.
    fn recall(&self, form: &CacheKey, body: &[u8], namespaces: &Namespaces) -> Option<Answer> {
        let kept = self.cache.get(form.key())?;
        let is_known = namespaces.is_as_before(&kept.namespace, kept.facts.as_ref());
        if is_known {
            kept.answer(form, body)
        } else {
            None
        }
    }

    /// Caches the answer to a review. `request` is what was read of its body.
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
        // Deciding on a pod that asks for nothing is as fast as a lookup.
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
    /// The entry for an answer; `None` where a message in the answer mentions the ServiceAccount volume's
    /// name `token`.
    fn of(token: Option<&str>, answer: &Answer, namespaces: &Namespaces) -> Option<Self> {
        let Answer::Review {
            body,
            uid,
            namespace,
            pod,
            dry_run,
            decision,
            regarding,
            ..
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

    /// The answer to another review with the same key.
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
            matches_no_entry: false,
        })
    }
}

/// Estimated bytes of a decision without its patch and of a response.
fn size(decision: &Decision, response: &[u8]) -> usize {
    let outcomes = decision.outcomes.iter().map(|outcome| {
        let names = outcome.template.len() + outcome.revision.len();
        size_of::<TemplateOutcome>() + names + outcome.message.len() + outcome.logged.len()
    });
    let findings = decision.judged().into_iter().map(|judged| {
        let finding = &judged.finding;
        size_of::<EnforcedFinding>()
            + finding.path.len()
            + finding.message.len()
            + finding.logged.len()
    });
    OVERHEAD
        + response.len()
        + decision.message.len()
        + decision.logged.len()
        + outcomes.sum::<usize>()
        + findings.sum::<usize>()
}

/// Bytes of the names of what an event regards.
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

/// Whether a message of an answer mentions a ServiceAccount volume, even by a part of its name.
fn speaks_of_it(decision: &Decision, response: &[u8]) -> bool {
    let outcomes = decision.outcomes.iter();
    let judged = decision.judged();
    let findings = judged.iter().map(|judged| &judged.finding);
    [&decision.message, &decision.logged]
        .into_iter()
        .chain(outcomes.flat_map(|outcome| [&outcome.message, &outcome.logged]))
        .chain(findings.flat_map(|finding| [&finding.path, &finding.message, &finding.logged]))
        .map(String::as_bytes)
        .chain([response])
        .any(|text| memchr::memmem::find(text, TOKEN_VOLUME.as_bytes()).is_some())
}

#[cfg(test)]
mod tests;
