//! Pillion injects helper containers into pods from templates.
