//! Every finding, in the smallest pod that has it and in one like it that has it not.
//!
//! Each folder here is named by a code:
//!
//! | file | what it is |
//! |---|---|
//! | `fail.yaml`, `pass.yaml` | templates, a Namespace if one is needed, and a pod or workload |
//! | `fail.txt` | the finding lines of `fail.yaml`: `TEMPLATE: CODE: sentence` |
//! | `flags.txt` | flags of the program, one on each line, if any |
//!
//! The same code with the same words must come out everywhere: in the report of `pillion inject`, in
//! the answer of `pillion review` and of the server, in the pod's status, the log and the metrics.
//! `UPDATE=1` writes `fail.txt` anew, to be read before it is committed.

mod fixture;
mod ways;
