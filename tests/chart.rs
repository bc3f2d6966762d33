//! What is installed: the chart and the plain manifests made from it, rendered under many values,
//! held against the API server's own schemas, and installed, upgraded, applied again and taken
//! away on a real control plane.
//!
//! A manifest that renders is not yet one that works: the API server's schemas find misspelt
//! fields, its Pod Security refuses a careless pod, and only it knows who owns which field when
//! Helm, a GitOps tool and Pillion write the same object.

mod image;
mod manifests;
mod ownership;
mod permissions;
mod process;
mod programs;
mod refusals;
mod release;
mod restricted;
mod running;
mod schemas;
mod settings;
