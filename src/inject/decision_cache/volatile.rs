//! The places in a review that no decision depends on.
//!
//! Whatever was read borrows from the bytes of the review, so that its address is its place; nothing is
//! guessed from the bytes around it.

use std::ops::Range;

use crate::inject::pod::token::is_made_up;
use crate::kubernetes::defaults::TOKEN_PATH;
use crate::review::{Json, is_written_plainly};

/// The places in a review that no decision depends on.
#[derive(Debug)]
pub(super) struct VolatileRanges {
    /// `metadata.managedFields`.
    unread: Range<usize>,
    /// The name of the ServiceAccount's volume, and that of its mounts as the API server writes them.
    token: Vec<Range<usize>>,
}

impl VolatileRanges {
    /// The places in a review with this name; `None` where escapes could hide the name elsewhere, or where it
    /// is not the name of the ServiceAccount's volume.
    pub(super) fn of(body: &[u8], pod: Json<'_>, token: Option<&str>) -> Option<Self> {
        let metadata = pod.get("metadata");
        let managed = metadata.and_then(|metadata| metadata.get("managedFields"));
        let token = match token {
            Some(name) if is_written_plainly(body) => token_places(body, pod, name)?,
            Some(_) => return None,
            None => Vec::new(),
        };
        Some(Self {
            unread: managed.map_or(0..0, |json| Self::text(body, json.raw())),
            token,
        })
    }

    /// The place of a borrowed text in its body; a text from elsewhere has no place in it.
    pub(super) fn text(body: &[u8], text: &str) -> Range<usize> {
        let start = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
        start..start.saturating_add(text.len())
    }

    /// Whether a part of the review is inside `managedFields`.
    pub(super) fn is_unread(&self, part: &Range<usize>) -> bool {
        self.unread.start <= part.start && part.end <= self.unread.end
    }

    /// Whether the API server wrote the ServiceAccount volume's name at a place.
    pub(super) fn is_token(&self, place: &Range<usize>) -> bool {
        self.token.contains(place)
    }
}

/// The places where the API server wrote the ServiceAccount volume's name
/// (k8s:plugin/pkg/admission/serviceaccount/admission.go); `None` where this is not its name.
fn token_places(body: &[u8], pod: Json<'_>, name: &str) -> Option<Vec<Range<usize>>> {
    let spec = pod.get("spec")?;
    let elements = |list| spec.get(list).into_iter().flat_map(Json::elements);
    let volume = elements("volumes").find(|volume| {
        volume.text("name").is_some_and(|name| is_made_up(&name))
            && volume.get("projected").is_some()
    })?;
    let containers = elements("initContainers").chain(elements("containers"));
    let mounts = containers
        .filter_map(|container| container.get("volumeMounts"))
        .flat_map(Json::elements)
        .filter_map(|mount| place(body, token_mount(mount)?, name));
    let of_volume = place(body, volume.get("name")?, name)?;
    Some(mounts.chain([of_volume]).collect())
}

/// The volume's name in a mount as the API server writes it for the token.
fn token_mount(mount: Json<'_>) -> Option<Json<'_>> {
    let mut fields = mount.fields();
    let [(first, name), (second, read_only), (third, path)] =
        [fields.next()?, fields.next()?, fields.next()?];
    let is_its = fields.next().is_none()
        && [first, second, third] == ["name", "readOnly", "mountPath"]
        && read_only.raw() == "true"
        && within(path) == Some(TOKEN_PATH);
    is_its.then_some(name)
}

/// The place of a text that is written as this name.
fn place(body: &[u8], text: Json<'_>, name: &str) -> Option<Range<usize>> {
    let text = within(text).filter(|text| *text == name)?;
    Some(VolatileRanges::text(body, text))
}

/// The part of a text between its quotes, as written.
fn within(text: Json<'_>) -> Option<&str> {
    text.raw().strip_prefix('"')?.strip_suffix('"')
}
