//! Where in a review that was read its blanks may be.
//!
//! What was read points into the bytes that it was read from, so that a place is known by its
//! address, and nothing is guessed from what stands around it.

use std::ops::Range;

use crate::inject::pod::token::is_made_up;
use crate::kubernetes::defaults::TOKEN_PATH;
use crate::review::{Json, is_written_plainly};

/// The places in a review that nothing is decided upon.
#[derive(Debug)]
pub(super) struct VolatileRanges {
    /// Of the metadata what no decision looks at.
    unread: Range<usize>,
    /// The name of the ServiceAccount's volume, and that of its mounts as the API server writes them.
    token: Vec<Range<usize>>,
}

impl VolatileRanges {
    /// The places in a review with this made-up name; `None` where the name could stand in it
    /// otherwise than to be seen, or is not that of the ServiceAccount's volume.
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

    /// Where a text that was read without a copy stands in its body; a text from elsewhere is at no
    /// place in it.
    pub(super) fn text(body: &[u8], text: &str) -> Range<usize> {
        let start = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
        start..start.saturating_add(text.len())
    }

    /// Whether no decision looks at a part of the review.
    pub(super) fn is_unread(&self, part: &Range<usize>) -> bool {
        self.unread.start <= part.start && part.end <= self.unread.end
    }

    /// Whether the name of the ServiceAccount's volume stands at a place as the API server writes it.
    pub(super) fn is_token(&self, place: &Range<usize>) -> bool {
        self.token.contains(place)
    }
}

/// Where the name of the ServiceAccount's volume stands as the API server writes it
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
    let volume = place(body, volume.get("name")?, name)?;
    Some(mounts.chain([volume]).collect())
}

/// The name in a mount that is written as the API server writes that of the token.
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

/// Where a text stands, if it is written as this name.
fn place(body: &[u8], text: Json<'_>, name: &str) -> Option<Range<usize>> {
    let text = within(text).filter(|text| *text == name)?;
    Some(VolatileRanges::text(body, text))
}

/// What is written between the quotes of a text.
fn within(text: Json<'_>) -> Option<&str> {
    text.raw().strip_prefix('"')?.strip_suffix('"')
}
