//! Whose pod is decided about.

use std::collections::BTreeMap;

use crate::review::Pod;
use crate::review::pod::Dictionary;

/// What is known about a pod besides the pod itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The namespace of the request; it wins over `metadata.namespace`.
    pub namespace: String,
    /// Whether the requester is in the group `system:nodes`: only then a mirror pod is believed.
    pub from_node: bool,
    /// The user that creates the pod; `None` where nobody knows.
    pub user: Option<String>,
    /// Annotations that the pod is treated to carry besides its own (`--inject` and `--set`).
    pub annotations: BTreeMap<String, String>,
}

/// Labels or annotations.
pub(super) type Texts = BTreeMap<String, String>;

/// Labels and annotations, the subject's included.
pub(super) fn metadata(subject: &Subject, pod: &Pod<'_>) -> (Texts, Texts) {
    let metadata = pod.metadata.as_ref();
    let labels = own(metadata.and_then(|metadata| metadata.labels.as_ref()));
    let mut annotations = own(metadata.and_then(|metadata| metadata.annotations.as_ref()));
    for (key, value) in &subject.annotations {
        annotations.insert(key.clone(), value.clone());
    }
    (labels, annotations)
}

fn own(dictionary: Option<&Dictionary<'_>>) -> Texts {
    let texts = dictionary.into_iter().flatten();
    texts
        .map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()))
        .collect()
}
