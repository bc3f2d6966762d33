//! The built server from outside: its answers, its certificate, its limits and its end.

mod advice;
mod answers;
mod certificates;
pub(crate) mod client;
mod delay;
mod ending;
mod faults;
mod limits;
mod log;
pub(crate) mod process;
mod soak;
mod templates;

/// A review of a pod that asks for nothing.
const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"7c1f","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE","userInfo":{},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"app","image":"example.org/app:1"}]}},"oldObject":null,"dryRun":false,"options":null}}"#;
