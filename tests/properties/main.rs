//! Properties that hold for every pod: the patch applies, nothing of the user's is lost, a second
//! call changes nothing, values stay values, and any bytes get an answer.

#[cfg(test)]
mod answers;
#[cfg(test)]
#[path = "../support/empty.rs"]
mod empty;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod pods;
#[cfg(test)]
mod recent;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod values;
