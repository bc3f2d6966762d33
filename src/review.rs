//! The AdmissionReview protocol: the request, a borrowed view of the pod, and the response.
//!
//! The types are our own. Those of the `kube` crate write the patch as a list of numbers instead of
//! a base64 string, lose the `uid` of what they refuse, and buffer the whole document to read it.
//! Here a review is read once into an index that borrows from its bytes ([`json`]), and the pod stays as it
//! is written: what is never taken apart cannot be lost.

pub(crate) mod json;
pub(crate) mod object;
pub mod pod;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod warnings;

pub(crate) use json::Children;
pub use json::{Document, Json};
pub(crate) use object::{Text, is_written_plainly, may_hold};
pub use pod::{Pod, Spec};
pub(crate) use request::Request;
pub(crate) use response::Response;
