//! The corpus: manifests such as people have, with what must become of them.
//!
//! Each folder here is a case:
//!
//! | file | what it is |
//! |---|---|
//! | `input.yaml` | one or several manifests |
//! | `templates/*.yaml` | the templates; the built-in catalog where there are none |
//! | `namespace.yaml` | the namespaces that are known, if any |
//! | `options.yaml` | `kubernetesVersion`, `namespace`, `inject` (a list), `set` (a map), if any |
//! | `expected.yaml` | what `pillion inject` prints; absent where the case is a refusal |
//! | `report.txt` | what it tells on standard error |
//!
//! The same decision must come out on every way: a file on the command line, a review of the pod
//! that a controller makes of it, before and after the API server has filled in its defaults, and
//! when the API server calls a second time. Each way is one test over all cases.
//!
//! `UPDATE=1` writes `expected.yaml` and `report.txt` anew, to be read before they are committed;
//! `CASE=name` runs the cases whose names begin with it.

mod advice;
mod case;
mod compare;
mod defaulting;
mod explanations;
mod generation;
mod plugins;
pub(crate) mod pods;
pub(crate) mod reviews;
mod revisions;
mod ways;
