//! The response of an AdmissionReview, exactly as the API server demands it.
//!
//! A response that is not as `VerifyAdmissionResponse` wants it counts as a failed call, and a pod
//! may be refused for it: so `uid` is repeated even in refusals, the patch is a base64 string, and
//! `patch` and `patchType` are both there or both absent
//! (apiserver:pkg/admission/plugin/webhook/request/admissionreview.go).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::request::{API_VERSION, KIND};
use super::warnings::within_limits;

/// A response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    audit_annotations: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of `metav1.Status`"
)]
struct Status {
    status: &'static str,
    message: String,
    reason: String,
    code: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'r> {
    api_version: &'static str,
    kind: &'static str,
    response: &'r Response,
}

impl Response {
    /// The object is accepted as it is.
    pub fn allowed(uid: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            allowed: true,
            ..Self::default()
        }
    }

    /// The object is refused; `reason` is the stable code.
    pub fn denied(uid: &str, code: u16, reason: &str, message: &str) -> Self {
        let status = Status {
            status: "Failure",
            message: message.to_owned(),
            reason: reason.to_owned(),
            code,
        };
        Self {
            uid: uid.to_owned(),
            status: Some(status),
            ..Self::default()
        }
    }

    /// The object is changed by this JSON Patch.
    pub fn with_patch(mut self, patch: &str) -> Self {
        self.patch = Some(STANDARD.encode(patch));
        self.patch_type = Some("JSONPatch");
        self
    }

    /// Notes a value for the audit log. The key is at most 63 letters, digits, `-`, `_` and `.`.
    pub fn with_audit(mut self, key: &str, value: &str) -> Self {
        self.audit_annotations
            .insert(key.to_owned(), value.to_owned());
        self
    }

    /// Shows warnings to the person, within the API server's limits; the first are the most
    /// important.
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings = within_limits(warnings);
        self
    }

    /// The AdmissionReview with this response, as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let review = Review {
            api_version: API_VERSION,
            kind: KIND,
            response: self,
        };
        serde_json::to_vec(&review).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn json_of(response: &Response) -> Value {
        serde_json::from_slice(&response.to_json()).unwrap()
    }

    #[test]
    fn a_plain_answer_has_neither_patch_nor_patch_type() {
        let expected = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "response": {"uid": "u", "allowed": true}});
        assert_eq!(json_of(&Response::allowed("u")), expected);
    }

    #[test]
    fn a_patch_is_base64_with_its_type() {
        let answer = json_of(
            &Response::allowed("u")
                .with_patch("[]")
                .with_audit("verdict", "x"),
        );
        assert_eq!(answer["response"]["patch"], "W10=");
        assert_eq!(answer["response"]["patchType"], "JSONPatch");
        assert_eq!(answer["response"]["auditAnnotations"]["verdict"], "x");
    }

    #[test]
    fn a_refusal_repeats_the_uid_and_says_why() {
        let answer = json_of(&Response::denied(
            "u",
            422,
            "ParameterInvalid",
            "port: not a number",
        ));
        assert_eq!(answer["response"]["uid"], "u");
        assert_eq!(answer["response"]["allowed"], false);
        let expected = json!({"status": "Failure", "code": 422, "reason": "ParameterInvalid",
            "message": "port: not a number"});
        assert_eq!(answer["response"]["status"], expected);
    }

    #[test]
    fn warnings_are_told_within_the_limits_and_left_out_where_there_are_none() {
        let long = (0..40).map(|n| format!("{n} {}", "é".repeat(300)));
        let answer = json_of(&Response::allowed("u").with_warnings(long));
        let warnings = answer["response"]["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 16);
        let answer = json_of(&Response::allowed("u").with_warnings(Vec::new()));
        assert!(answer["response"].get("warnings").is_none());
    }
}
