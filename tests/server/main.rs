//! The built server from outside: its answers, its certificate, its limits and its end.

#[cfg(test)]
mod advice;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client;
#[cfg(test)]
mod delay;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod process;
#[cfg(test)]
mod templates;

#[cfg(test)]
/// A review of a pod that asks for nothing.
const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"7c1f","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE","userInfo":{},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"app","image":"example.org/app:1"}]}},"oldObject":null,"dryRun":false,"options":null}}"#;
