//! Whose pod is decided about.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::review::Pod;
use crate::review::pod::Dictionary;

/// What is known about a pod besides the pod itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The namespace of the request; it wins over `metadata.namespace`.
    pub namespace: String,
    /// Whether the requester is in the group `system:nodes`: only then a mirror pod is believed.
    pub from_node: bool,
    /// The user that creates the pod; `None` where nobody knows.
    pub user: Option<String>,
    /// Annotations that the pod is treated to carry besides its own (`--inject` and `--set`).
    pub annotations: BTreeMap<String, String>,
}

/// Labels and annotations, the subject's included.
pub(crate) fn metadata<'m>(
    subject: &'m RequestContext,
    pod: &'m Pod<'_>,
) -> (Cow<'m, Dictionary<'m>>, Cow<'m, Dictionary<'m>>) {
    let metadata = pod.metadata.as_ref();
    let labels = own(metadata.and_then(|metadata| metadata.labels.as_ref()));
    let mut annotations = own(metadata.and_then(|metadata| metadata.annotations.as_ref()));
    if !subject.annotations.is_empty() {
        let set = subject.annotations.iter();
        let set = set.map(|(key, value)| (key.as_str().into(), value.as_str().into()));
        annotations.to_mut().extend(set);
    }
    (labels, annotations)
}

fn own<'m>(dictionary: Option<&'m Dictionary<'_>>) -> Cow<'m, Dictionary<'m>> {
    dictionary.map_or_else(Cow::default, Cow::Borrowed)
}
