//! What the reviews of two copies of a pod have in common, found without reading them.
//!
//! The API server writes the reviews of two replicas alike to the byte, but for what it makes up for
//! each: the uids of the request and of the pod, the times of its making, and the name of the
//! ServiceAccount's volume. A form is a review with blanks in these places.
//!
//! Two reviews of one form are one document with other texts in its blanks. Up to the first blank
//! their bytes are the same; there both are within a text; and what fills a blank can neither end a
//! text nor escape in it (letters, digits, `-`, `:`), so that both are still within it behind the
//! blank, and so on. What reading one of them has shown is then true of the other: that it can be
//! read, and that nothing is decided upon what fills its blanks ([`Form::is_blank_where_unread`]).

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::value::RawValue;

use crate::inject::defaults::{TOKEN_PATH, TOKEN_VOLUME};
use crate::inject::pod::token::{MADE_UP, is_made_up};
use crate::review::pod::Metadata;
use crate::review::{Pod, Request};

/// What stands for a blank in a form.
const BLANK: u8 = 0xff;

/// Room for the blanks of most reviews.
const USUAL_BLANKS: usize = 8;

/// Length of a time as the API server writes it (RFC 3339, whole seconds, UTC).
const TIME: usize = "2026-01-01T00:00:00Z".len();

/// Longest uid of a request in bytes; the API server's have 36.
const LONGEST_UID: usize = 128;

/// What stands in front of a uid.
const BEFORE_UID: &[u8] = b"\"uid\":\"";

/// What stands between a pod's uid and the time of its creation, as fields follow one another in
/// `ObjectMeta` (apimachinery:pkg/apis/meta/v1/types.go).
const BEHIND_UID: &[u8] = b"\",";

/// Length of a pod's uid in bytes.
const POD_UID: usize = 36;

/// What stands in front of the name in a mount that the API server writes (api:core/v1/types.go,
/// `VolumeMount`; k8s:plugin/pkg/admission/serviceaccount/admission.go).
const BEFORE_NAME: &[u8] = b"{\"name\":\"";

/// What stands there between the name and the path.
const BEHIND_NAME: &[u8] = b"\",\"readOnly\":true,\"mountPath\":\"";

static UID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEFORE_UID));
static CREATION: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(b"\"creationTimestamp\":\""));
static MANAGED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"time\":\""));
static TOKEN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TOKEN_VOLUME));

/// What a blank stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The uid of the request.
    Request,
    /// The uid of the pod, or a time in its metadata.
    Metadata,
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
pub struct Form {
    key: Box<[u8]>,
    blanks: Vec<Blank>,
}

impl Form {
    /// The form of a review; `None` where its bytes are not as the API server writes them.
    pub fn of(body: &[u8]) -> Option<Self> {
        let mut blanks = Vec::with_capacity(USUAL_BLANKS);
        blanks.push(request_uid(body)?);
        for range in times(body, &CREATION) {
            blanks.extend(pod_uid(body, range.start).map(of_metadata));
            blanks.push(of_metadata(range));
        }
        blanks.extend(times(body, &MANAGED).map(of_metadata));
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

    /// What two reviews of one form have in common.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The same for keeping.
    pub fn into_key(self) -> Box<[u8]> {
        self.key
    }

    /// `request.uid` of a review of this form.
    pub fn uid<'b>(&self, body: &'b [u8]) -> &'b str {
        self.text(body, Kind::Request).unwrap_or_default()
    }

    /// The name of the ServiceAccount's volume, where the API server has made one up.
    pub fn token<'b>(&self, body: &'b [u8]) -> Option<&'b str> {
        self.text(body, Kind::Token)
    }

    fn text<'b>(&self, body: &'b [u8], kind: Kind) -> Option<&'b str> {
        let mut blanks = self.blanks.iter();
        let blank = blanks.find(|blank| blank.kind == kind)?;
        std::str::from_utf8(body.get(blank.range.clone())?).ok()
    }

    /// Whether the review that this form was made of, and that was read as this request, has blanks
    /// only in places that nothing is decided upon: the uid of the request, what is not read of the
    /// metadata, and the made-up name where the API server writes it.
    pub fn is_blank_where_unread(&self, body: &[u8], request: &Request<'_, Pod<'_>>) -> bool {
        let pod = request.object.as_ref();
        let unread = unread(body, pod.and_then(|pod| pod.metadata.as_ref()));
        let is_unread = |range: &Range<usize>| unread.iter().any(|all| holds(all, range));
        let volume = pod.and_then(|pod| self.volume(body, pod));
        self.blanks.iter().all(|Blank { range, kind }| match kind {
            Kind::Request => place(body, request.uid.as_str()) == *range,
            Kind::Metadata => is_unread(range),
            Kind::Token => {
                volume.as_ref().is_some_and(|all| holds(all, range))
                    || (volume.is_some() && is_the_mounts(body, range))
                    || is_unread(range)
            }
        })
    }

    /// Where the name of the ServiceAccount's volume stands, where it is the one of the blanks.
    fn volume(&self, body: &[u8], pod: &Pod<'_>) -> Option<Range<usize>> {
        let token = self.token(body)?;
        let mut volumes = pod.spec().ok()?.volumes.iter().flatten();
        let volume = volumes.find(|volume| {
            volume.text("name").is_some_and(|name| is_made_up(&name))
                && volume.get("projected").is_some()
        })?;
        let is_it = volume.text("name").is_some_and(|name| name == token);
        volume
            .get("name")
            .filter(|_| is_it)
            .map(|raw| place(body, raw.get()))
    }
}

fn of_metadata(range: Range<usize>) -> Blank {
    let kind = Kind::Metadata;
    Blank { range, kind }
}

/// The first uid of a review is the request's.
fn request_uid(body: &[u8]) -> Option<Blank> {
    let start = UID.find(body)? + BEFORE_UID.len();
    let end = start + memchr::memchr(b'"', body.get(start..)?)?;
    let uid = body.get(start..end).filter(|uid| !uid.is_empty())?;
    (uid.len() <= LONGEST_UID && uid.iter().copied().all(is_plain)).then_some(Blank {
        range: start..end,
        kind: Kind::Request,
    })
}

/// Times that stand behind such a key.
fn times<'b>(
    body: &'b [u8],
    key: &'static Finder<'static>,
) -> impl Iterator<Item = Range<usize>> + 'b {
    let starts = key.find_iter(body).map(|start| start + key.needle().len());
    starts.filter_map(|start| {
        let time = body.get(start..start + TIME)?;
        let is_closed = body.get(start + TIME) == Some(&b'"');
        (is_closed && time.iter().copied().all(is_plain)).then_some(start..start + TIME)
    })
}

/// The uid in front of the time of a creation, whose text begins here.
fn pod_uid(body: &[u8], time: usize) -> Option<Range<usize>> {
    let before = body.get(..time)?.strip_suffix(CREATION.needle())?;
    let before = before.strip_suffix(BEHIND_UID)?;
    let (before, uid) = before.split_at_checked(before.len().checked_sub(POD_UID)?)?;
    (before.ends_with(BEFORE_UID) && uid.iter().copied().all(is_plain))
        .then_some(before.len()..before.len() + POD_UID)
}

/// Wherever the first made-up name of a volume stands.
fn token_names(body: &[u8]) -> impl Iterator<Item = Blank> {
    let name = |start: usize| {
        let range = start..start + TOKEN_VOLUME.len() + MADE_UP;
        let name = std::str::from_utf8(body.get(range.clone())?).ok()?;
        is_made_up(name).then_some((range, name))
    };
    let mut first = None;
    TOKEN.find_iter(body).filter_map(move |start| {
        let (range, name) = name(start)?;
        (*first.get_or_insert(name) == name).then_some(Blank {
            range,
            kind: Kind::Token,
        })
    })
}

/// Whether a byte can neither end a JSON text nor escape in it, wherever it stands.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':')
}

/// Where the blanks are and what they are, and then the review with them: two forms are the same
/// where these bytes are.
fn key(body: &[u8], blanks: &[Blank]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(body.len() + size_of::<usize>() * (1 + blanks.len()));
    key.extend_from_slice(&blanks.len().to_le_bytes());
    let places = key.len();
    key.resize(places + blanks.len() * size_of::<usize>(), 0);
    let mut behind = 0;
    for (index, Blank { range, kind }) in blanks.iter().enumerate() {
        key.extend_from_slice(body.get(behind..range.start).unwrap_or_default());
        let place = (key.len() << 2) | *kind as usize;
        let at = places + index * size_of::<usize>();
        if let Some(room) = key.get_mut(at..at + size_of::<usize>()) {
            room.copy_from_slice(&place.to_le_bytes());
        }
        key.push(BLANK);
        behind = range.end;
    }
    key.extend_from_slice(body.get(behind..).unwrap_or_default());
    key.into_boxed_slice()
}

/// Where a text that was read without a copy stands in its body; a text from elsewhere is in no
/// blank.
fn place(body: &[u8], text: &str) -> Range<usize> {
    let start = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
    start..start.saturating_add(text.len())
}

/// The parts of the metadata that no decision looks at.
fn unread(body: &[u8], metadata: Option<&Metadata<'_>>) -> [Range<usize>; 3] {
    let place = |raw: Option<&RawValue>| raw.map_or(0..0, |raw| place(body, raw.get()));
    metadata.map_or([0..0, 0..0, 0..0], |metadata| {
        [
            place(metadata.uid),
            place(metadata.creation_timestamp),
            place(metadata.managed_fields),
        ]
    })
}

fn holds(all: &Range<usize>, part: &Range<usize>) -> bool {
    all.start <= part.start && part.end <= all.end
}

/// Whether a name is that of a mount as the API server writes it.
fn is_the_mounts(body: &[u8], name: &Range<usize>) -> bool {
    let before = body.get(..name.start).unwrap_or_default();
    let behind = body.get(name.end..).and_then(|behind| {
        let path = behind.strip_prefix(BEHIND_NAME)?;
        path.strip_prefix(TOKEN_PATH.as_bytes())
    });
    before.ends_with(BEFORE_NAME) && behind.is_some_and(|behind| behind.starts_with(b"\""))
}

#[cfg(test)]
mod tests;
