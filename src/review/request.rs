//! The request of an AdmissionReview (`admission.k8s.io/v1`, api:admission/v1/types.go).

use serde::Deserialize;

use super::json::{Document, Json};
use super::object::Text;

/// The version that is spoken; the webhook configuration asks for it by
/// `admissionReviewVersions: [v1]`.
pub(crate) const API_VERSION: &str = "admission.k8s.io/v1";
/// The kind of the document.
pub(crate) const KIND: &str = "AdmissionReview";

/// The fields of a request that decisions need.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    /// All but the objects.
    pub(crate) head: RequestHead<'a>,
    /// The object; `None` where it is null, as for DELETE.
    pub(crate) object: Option<Json<'a>>,
    /// What the object was before; `None` where it is null, as for CREATE.
    pub(crate) old_object: Option<Json<'a>>,
}

/// The fields of a request besides its objects.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestHead<'a> {
    /// Names the request; the response must repeat it.
    #[serde(borrow)]
    pub(crate) uid: Text<'a>,
    /// What the object is.
    #[serde(borrow, default)]
    pub(crate) kind: Option<Kind<'a>>,
    /// The part of the object that is acted on, such as `ephemeralcontainers`; absent or empty:
    /// the object itself.
    #[serde(borrow, default)]
    pub(crate) sub_resource: Option<Text<'a>>,
    /// The namespace of the object.
    #[serde(borrow, default)]
    pub(crate) namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server will generate it.
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    #[serde(borrow, default)]
    pub(crate) operation: Option<Text<'a>>,
    /// Who asks.
    #[serde(borrow, default)]
    pub(crate) user_info: Option<User<'a>>,
    /// Whether nothing is to be stored.
    #[serde(default)]
    pub(crate) dry_run: Option<bool>,
}

impl<'a> std::ops::Deref for Request<'a> {
    type Target = RequestHead<'a>;

    fn deref(&self) -> &RequestHead<'a> {
        &self.head
    }
}

/// The group and kind of an object.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Kind<'a> {
    /// The API group; empty for the core group.
    #[serde(borrow, default)]
    pub(crate) group: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
}

/// The requester.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User<'a> {
    /// Name of the requester.
    #[serde(borrow, default)]
    pub(crate) username: Option<Text<'a>>,
    /// Groups of the requester.
    #[serde(borrow, default)]
    pub(crate) groups: Option<Vec<Text<'a>>>,
}

/// Why bytes are no review that can be answered by one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    /// The bytes are not JSON, or a field has another type.
    #[error("failed to read the body as an AdmissionReview")]
    Json(#[from] serde_json::Error),
    /// The bytes are no text.
    #[error("failed to read the body as an AdmissionReview")]
    Encoding(#[source] std::str::Utf8Error),
    /// The document is something else.
    #[error("expected kind {KIND}, found {0}")]
    Kind(String),
    /// The review is of another version.
    #[error(
        "expected apiVersion {API_VERSION}, found {0}; the webhook configuration must say \
         `admissionReviewVersions: [\"v1\"]`"
    )]
    Version(String),
    /// There is no request in it.
    #[error("the AdmissionReview has no request; was this a response?")]
    NoRequest,
    /// The request has no uid to repeat.
    #[error("the request has no uid")]
    NoUid,
}

/// Reads the bytes of a body.
pub(crate) fn document(body: &[u8]) -> Result<Document<'_>, ReviewError> {
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Document::read(text)?),
        Err(error) => Err(ReviewError::Encoding(error)),
    }
}

/// Reads the request of an AdmissionReview.
pub(crate) fn read<'a>(document: &'a Document<'_>) -> Result<Request<'a>, ReviewError> {
    let review = document.root();
    let kind = review.text("kind").unwrap_or_else(|| "none".into());
    if kind != KIND {
        return Err(ReviewError::Kind(kind.into_owned()));
    }
    let version = review.text("apiVersion").unwrap_or_else(|| "none".into());
    if version != API_VERSION {
        return Err(ReviewError::Version(version.into_owned()));
    }
    let request = review.get("request").ok_or(ReviewError::NoRequest)?;
    let head: RequestHead<'a> = request.read_as()?;
    if head.uid.as_str().is_empty() {
        return Err(ReviewError::NoUid);
    }
    Ok(Request {
        head,
        object: request.get("object"),
        old_object: request.get("oldObject"),
    })
}

impl Request<'_> {
    /// Whether the object is a pod as a whole.
    pub(crate) fn is_about_a_pod(&self) -> bool {
        self.is_about("Pod")
    }

    /// Whether the object is one of a kind of the core group, as a whole.
    pub(crate) fn is_about(&self, wanted: &str) -> bool {
        fn text<'t>(text: Option<&'t Text<'_>>) -> &'t str {
            text.map(Text::as_str).unwrap_or_default()
        }
        text(self.sub_resource.as_ref()).is_empty()
            && self.kind.as_ref().is_some_and(|kind| {
                text(kind.group.as_ref()).is_empty() && text(kind.kind.as_ref()) == wanted
            })
    }

    /// Whether the request creates its object.
    pub(crate) fn is_creation(&self) -> bool {
        self.operation
            .as_ref()
            .is_some_and(|operation| operation.as_str() == "CREATE")
    }

    /// The requester's name.
    pub(crate) fn user(&self) -> Option<&str> {
        let user = self.user_info.as_ref()?;
        user.username.as_ref().map(Text::as_str)
    }

    /// Whether a node asks: only a node makes mirror pods.
    pub(crate) fn is_from_node(&self) -> bool {
        self.user_info
            .iter()
            .flat_map(|user| user.groups.iter().flatten())
            .any(|group| group.as_str() == "system:nodes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> String {
        let document = match document(body.as_bytes()) {
            Ok(document) => document,
            Err(error) => return error.to_string(),
        };
        read(&document).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_review_says_what_would_be() {
        let table = [
            ("no json", "failed to read"),
            ("[]", "expected kind AdmissionReview, found none"),
            (
                r#"{"kind":"Pod","apiVersion":"v1"}"#,
                "expected kind AdmissionReview, found Pod",
            ),
            (
                r#"{"kind":"AdmissionReview"}"#,
                "expected apiVersion admission.k8s.io/v1, found none",
            ),
            (
                r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#,
                "found admission.k8s.io/v1beta1",
            ),
            (
                r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#,
                "no request",
            ),
            (
                r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""}}"#,
                "no uid",
            ),
        ];
        for (body, expected) in table {
            assert!(
                problem(body).contains(expected),
                "{body}: {}",
                problem(body)
            );
        }
    }

    #[test]
    fn a_request_is_read_in_any_order_of_fields() {
        let body = r#"{"request":{"object":{"a":1},"oldObject":null,"dryRun":true,"uid":"u",
            "userInfo":{"username":"system:node:n","groups":["system:nodes"]},"operation":"CREATE",
            "kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"shop","options":{"x":[]}},
            "kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#;
        let document = document(body.as_bytes()).unwrap();
        let request = read(&document).unwrap();
        assert!(request.is_about_a_pod() && request.is_creation() && request.is_from_node());
        assert_eq!(request.object.unwrap().raw(), r#"{"a":1}"#);
        assert_eq!(request.dry_run, Some(true));
    }

    #[test]
    fn a_part_of_a_pod_is_not_the_pod() {
        let body = r#"{"request":{"uid":"u","subResource":"ephemeralcontainers",
            "kind":{"version":"v1","kind":"Pod"},"object":null},
            "kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#;
        let document = document(body.as_bytes()).unwrap();
        let request = read(&document).unwrap();
        assert!(!request.is_about_a_pod());
        assert!(request.object.is_none());
    }
}
