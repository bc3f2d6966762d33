//! What a request says about a pod besides the pod itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::review::pod::Dictionary;
use crate::review::{Pod, Request, Text};

/// What is known about a pod besides the pod itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The namespace of the request; it wins over `metadata.namespace`.
    pub namespace: String,
    /// Whether the requester is in the group `system:nodes`: only then a mirror pod is believed.
    pub from_node: bool,
    /// Whether a pod is being created: `false` for files and for advice about workloads.
    pub is_admission: bool,
    /// The user that creates the pod; `None` where nobody knows.
    pub user: Option<String>,
    /// Annotations that the pod is treated to carry besides its own (`--inject` and `--set`).
    pub annotations: BTreeMap<String, String>,
}

impl RequestContext {
    /// The context that a request gives its object.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        Self {
            namespace: request
                .namespace
                .as_ref()
                .map_or("", Text::as_str)
                .to_owned(),
            from_node: request.is_from_node(),
            is_admission: true,
            user: request.user().map(str::to_owned),
            annotations: BTreeMap::new(),
        }
    }

    pub(crate) fn labels<'m>(pod: &'m Pod<'_>) -> Cow<'m, Dictionary<'m>> {
        let labels = pod.labels();
        labels.map_or_else(Cow::default, Cow::Borrowed)
    }

    /// The pod's annotations together with the context's, which win.
    pub(crate) fn annotations<'m>(&'m self, pod: &'m Pod<'_>) -> Cow<'m, Dictionary<'m>> {
        let mut annotations = pod.annotations().map_or_else(Cow::default, Cow::Borrowed);
        if !self.annotations.is_empty() {
            let own = self.annotations.iter();
            annotations
                .to_mut()
                .extend(own.map(|(key, value)| (key.as_str().into(), value.as_str().into())));
        }
        annotations
    }
}
