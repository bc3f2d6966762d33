//! Properties that hold for every pod: the patch applies, nothing of the user's is lost, a second
//! call changes nothing, values stay values, and any bytes get an answer.

mod answers;
pub(crate) mod engines;
mod patches;
mod pods;
mod recent;
mod resources;
mod statuses;
pub(crate) mod survival;
mod values;
