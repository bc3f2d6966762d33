//! The template language: what authors write, compiled into what runs.

pub mod expression;
pub mod quantity;
