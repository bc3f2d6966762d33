//! Cache keys: what the reviews of two copies of a pod have in common, found without parsing them.
//!
//! The API server writes the reviews of two replicas byte for byte alike, except for what it makes up for
//! each: the uid of the request, the times at which fields were set, and the name of the ServiceAccount's
//! volume. A key is the review with blanks in these places.
//!
//! Two reviews with one key are one document with other texts in its blanks. Their bytes are the same up to
//! the first blank, which is inside a text in both; what fills a blank can neither end a text nor escape in
//! it (letters, digits, `-`, `:`), so both are still inside that text behind the blank, and so on. What
//! reading one of them has shown is then true of the other: that it can be read, and that no decision
//! depends on what fills its blanks ([`CacheKey::is_blank_where_unread`]).

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::volatile::VolatileRanges;
use crate::inject::pod::token::{MADE_UP, is_made_up};
use crate::kubernetes::defaults::TOKEN_VOLUME;
use crate::review::Request;

/// The byte that a key has for a blank.
const BLANK: u8 = 0xff;

/// Room for the blanks of most reviews.
const USUAL_BLANKS: usize = 8;

/// Length of a time as the API server writes it (RFC 3339, whole seconds, UTC).
const TIME: usize = "2026-01-01T00:00:00Z".len();

/// Longest uid of a request in bytes; the API server's have 36.
const LONGEST_UID: usize = 128;

/// The bytes in front of a uid.
const BEFORE_UID: &[u8] = b"\"uid\":\"";

/// The bytes in front of a time in `managedFields`.
const BEFORE_TIME: &[u8] = b"\"time\":\"";

static UIDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEFORE_UID));
static TIMES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEFORE_TIME));
static TOKENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TOKEN_VOLUME));

/// What a blank replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The uid of the request.
    Uid,
    /// When fields were set.
    Time,
    /// The name of the ServiceAccount's volume.
    Token,
}

/// A part of a review that the API server made up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blank {
    range: Range<usize>,
    kind: Kind,
}

/// A review, with blanks for what differs between copies.
#[derive(Debug)]
pub(crate) struct CacheKey {
    key: Box<[u8]>,
    blanks: Vec<Blank>,
}

impl CacheKey {
    /// The key of some bytes, whether or not they are a review; `None` where they have no plain uid, as every
    /// review of the API server has, or where two blanks overlap.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let mut blanks = Vec::with_capacity(USUAL_BLANKS);
        blanks.push(first_uid(body)?);
        blanks.extend(times(body));
        blanks.extend(token_names(body));
        blanks.sort_unstable_by_key(|blank| blank.range.start);
        let mut pairs = blanks.windows(2);
        let is_apart =
            pairs.all(|pair| matches!(pair, [one, next] if one.range.end <= next.range.start));
        is_apart.then(|| Self {
            key: key(body, &blanks),
            blanks,
        })
    }

    /// The bytes that are compared.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The bytes that are compared, to store them.
    pub(crate) fn into_key(self) -> Box<[u8]> {
        self.key
    }

    /// `request.uid` of a review with this key.
    pub(crate) fn uid<'b>(&self, body: &'b [u8]) -> Option<&'b str> {
        self.text(body, Kind::Uid)
    }

    /// The name of the ServiceAccount's volume, where the API server has made one up.
    pub(crate) fn token<'b>(&self, body: &'b [u8]) -> Option<&'b str> {
        self.text(body, Kind::Token)
    }

    fn text<'b>(&self, body: &'b [u8], kind: Kind) -> Option<&'b str> {
        let mut blanks = self.blanks.iter();
        let blank = blanks.find(|blank| blank.kind == kind)?;
        std::str::from_utf8(body.get(blank.range.clone())?).ok()
    }

    /// Whether the blanks of this review are only in places that no decision depends on: the uid of the
    /// request, `managedFields`, and the ServiceAccount volume's name where the API server writes it.
    pub(crate) fn is_blank_where_unread(&self, body: &[u8], request: &Request<'_>) -> bool {
        let Some(pod) = request.object else {
            return false;
        };
        let token = self.token(body);
        let Some(places) = VolatileRanges::of(body, pod, token) else {
            return false;
        };
        self.blanks.iter().all(|Blank { range, kind }| match kind {
            Kind::Uid => VolatileRanges::text(body, request.uid.as_str()) == *range,
            Kind::Time => places.is_unread(range),
            Kind::Token => places.is_token(range) || places.is_unread(range),
        })
    }
}

/// The first uid, which in a review of the API server is the request's.
fn first_uid(body: &[u8]) -> Option<Blank> {
    let start = UIDS.find(body)? + BEFORE_UID.len();
    let end = start + memchr::memchr(b'"', body.get(start..)?)?;
    let uid = body.get(start..end).filter(|uid| !uid.is_empty())?;
    (uid.len() <= LONGEST_UID && is_plain(uid)).then_some(Blank {
        range: start..end,
        kind: Kind::Uid,
    })
}

/// Texts as long as times behind the key `time`, as in `managedFields`.
fn times(body: &[u8]) -> impl Iterator<Item = Blank> {
    let starts = TIMES.find_iter(body).map(|start| start + BEFORE_TIME.len());
    starts.filter_map(|start| {
        let range = start..start + TIME;
        let is_time = is_plain(body.get(range.clone())?) && body.get(start + TIME) == Some(&b'"');
        let kind = Kind::Time;
        is_time.then_some(Blank { range, kind })
    })
}

/// Every place of the first text that looks like the name of a ServiceAccount volume.
fn token_names(body: &[u8]) -> impl Iterator<Item = Blank> {
    let mut first = None;
    TOKENS.find_iter(body).filter_map(move |start| {
        let range = start..start + TOKEN_VOLUME.len() + MADE_UP;
        let name = std::str::from_utf8(body.get(range.clone())?).ok()?;
        let is_it = is_made_up(name) && *first.get_or_insert(name) == name;
        let kind = Kind::Token;
        is_it.then_some(Blank { range, kind })
    })
}

/// Whether bytes can neither end a JSON text nor escape in it.
fn is_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':'))
}

/// The places and kinds of the blanks, and then the review with the blanks.
fn key(body: &[u8], blanks: &[Blank]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(body.len() + size_of::<usize>() * (1 + blanks.len()));
    key.extend_from_slice(&blanks.len().to_le_bytes());
    let mut behind = 0;
    for Blank { range, kind } in blanks {
        let before = range.start - behind;
        key.extend_from_slice(&((before << 2) | *kind as usize).to_le_bytes());
        behind = range.end;
    }
    behind = 0;
    for Blank { range, .. } in blanks {
        key.extend_from_slice(body.get(behind..range.start).unwrap_or_default());
        key.push(BLANK);
        behind = range.end;
    }
    key.extend_from_slice(body.get(behind..).unwrap_or_default());
    key.into_boxed_slice()
}

#[cfg(test)]
mod tests;
