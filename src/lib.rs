//! Pillion injects helper containers into pods from templates.

pub mod template;
