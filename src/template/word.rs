//! Settings that are one of a few words: the compiler reads them, the schemas list them.

use crate::kubernetes::pod_security_level::PodSecurityLevel;

/// A setting that is one of a few words.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Every word with what it says, in the order in which messages list them.
    const WORDS: &'static [(&'static str, Self)];

    /// The word that says this.
    fn word(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, known)| *known == self);
        word.map_or("", |(word, _)| word)
    }
}

/// All words of a setting.
pub(super) fn words<W: Word>() -> Vec<&'static str> {
    W::WORDS.iter().map(|(word, _)| *word).collect()
}

impl Word for PodSecurityLevel {
    const WORDS: &'static [(&'static str, Self)] = &Self::NAMES;
}
