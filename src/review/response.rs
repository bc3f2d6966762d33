//! The response of an AdmissionReview, exactly as the API server demands it.
//!
//! A response that is not as `VerifyAdmissionResponse` wants it counts as a failed call, and a pod
//! may be refused for it: so `uid` is repeated even in refusals, the patch is a base64 string, and
//! `patch` and `patchType` are both there or both absent
//! (apiserver:pkg/admission/plugin/webhook/request/admissionreview.go).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::to_writer;

use super::request::{API_VERSION, KIND};
use super::warnings::within_limits;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    status: Option<Status<'a>>,
    patch: Option<String>,
    audit_annotations: BTreeMap<&'static str, String>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Status<'a> {
    status: &'static str,
    message: &'a str,
    reason: &'a str,
    code: u16,
}

impl<'a> Response<'a> {
    /// The object is accepted as it is.
    pub(crate) fn allowed(uid: &'a str) -> Self {
        Self {
            uid,
            allowed: true,
            ..Self::default()
        }
    }

    /// The object is refused; `reason` is the stable code.
    pub(crate) fn denied(uid: &'a str, code: u16, reason: &'a str, message: &'a str) -> Self {
        let status = Status {
            status: "Failure",
            message,
            reason,
            code,
        };
        Self {
            uid,
            status: Some(status),
            ..Self::default()
        }
    }

    /// The object is changed by this JSON Patch.
    pub(crate) fn with_patch(mut self, patch: String) -> Self {
        self.patch = Some(patch);
        self
    }

    /// Notes a value for the audit log. The key is at most 63 letters, digits, `-`, `_` and `.`.
    pub(crate) fn with_audit(mut self, key: &'static str, value: String) -> Self {
        self.audit_annotations.insert(key, value);
        self
    }

    /// Shows warnings to the person, within the API server's limits; the first are the most
    /// important.
    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings = within_limits(warnings);
        self
    }

    /// The beginning of an AdmissionReview, up to and with the uid: all that two responses which say
    /// the same differ in. There is room for so many bytes behind it.
    pub(crate) fn begin(uid: &str, room: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(SMALL + room);
        body.extend_from_slice(b"{\"apiVersion\":\"");
        body.extend_from_slice(API_VERSION.as_bytes());
        body.extend_from_slice(b"\",\"kind\":\"");
        body.extend_from_slice(KIND.as_bytes());
        body.extend_from_slice(b"\",\"response\":{\"uid\":");
        put(&mut body, &uid);
        body
    }

    /// The AdmissionReview with this response, as JSON. It is written by hand as the patch is most
    /// of it, and base64 needs no search for characters to escape.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let patch = self.patch.as_ref().map(String::as_bytes);
        let encoded = patch.map_or(0, |patch| patch.len() / 3 * 4 + 4);
        let mut body = Self::begin(self.uid, SMALL + encoded);
        body.extend_from_slice(b",\"allowed\":");
        put(&mut body, &self.allowed);
        if let Some(status) = &self.status {
            body.extend_from_slice(b",\"status\":");
            put(&mut body, status);
        }
        if let Some(patch) = patch {
            body.extend_from_slice(b",\"patch\":\"");
            put_base64(&mut body, patch);
            body.extend_from_slice(b"\",\"patchType\":\"JSONPatch\"");
        }
        if !self.audit_annotations.is_empty() {
            body.extend_from_slice(b",\"auditAnnotations\":");
            put(&mut body, &self.audit_annotations);
        }
        if !self.warnings.is_empty() {
            body.extend_from_slice(b",\"warnings\":");
            put(&mut body, &self.warnings);
        }
        body.extend_from_slice(b"}}");
        body
    }
}

/// Bytes for everything in a response but its patch; more are added where they are needed.
const SMALL: usize = 512;

/// Writes a value as JSON. Texts, numbers and maps of them cannot fail.
fn put(body: &mut Vec<u8>, value: &impl Serialize) {
    let start = body.len();
    if to_writer(&mut *body, value).is_err() {
        body.truncate(start);
        body.extend_from_slice(b"null");
    }
}

/// Writes base64 with padding (RFC 4648 section 4) behind what is there.
fn put_base64(body: &mut Vec<u8>, bytes: &[u8]) {
    let start = body.len();
    body.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let room = body.get_mut(start..).unwrap_or_default();
    let written = STANDARD.encode_slice(bytes, room).unwrap_or_default();
    body.truncate(start + written);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn json_of(response: &Response<'_>) -> Value {
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
                .with_patch("[]".to_owned())
                .with_audit("verdict", "x".to_owned()),
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
