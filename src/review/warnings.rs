//! Warnings within the limits of the API server.
//!
//! It sends the warnings of one request whole while they have at most 4096 characters together.
//! Beyond that it cuts every one of them to 256, in the middle of a word, and drops what comes
//! later (apiserver:pkg/endpoints/filters/warning.go). So they are cut here, where it can be done
//! at a word and with a sign that something is missing, and the API server finds nothing to cut.

use std::collections::BTreeSet;

/// Characters that one warning may have (`truncateItemRunes`).
pub(crate) const LONGEST: usize = 256;
/// Characters that the warnings of one request may have together (`truncateAtTotalRunes`).
pub(crate) const TOGETHER: usize = 4096;
/// A cut is made at a word where one ends within so many characters before the limit.
const LONGEST_WORD: usize = 64;

/// The warnings, the most important first, as far as they are within the limits: each once,
/// without control characters (the API server drops a warning that has one), cut at a word. The
/// first that does not fit, and all behind it, are left out.
pub(crate) fn within_limits(warnings: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut left = TOGETHER;
    let mut kept = Vec::new();
    for warning in warnings {
        let clean: String = warning
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let warning = cut(clean.trim());
        if warning.is_empty() || !seen.insert(warning.clone()) {
            continue;
        }
        let length = warning.chars().count();
        if length > left {
            break;
        }
        left -= length;
        kept.push(warning);
    }
    kept
}

/// A text of at most [`LONGEST`] characters; where it is cut, it ends with `…`.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    // One character is left for the sign. A word is whole where a space follows it.
    let start: Vec<char> = text.chars().take(LONGEST).collect();
    let earliest = LONGEST.saturating_sub(LONGEST_WORD);
    let space = start.iter().rposition(|c| c.is_whitespace());
    let end = space
        .filter(|at| *at >= earliest)
        .unwrap_or(LONGEST.saturating_sub(1));
    let whole: String = start.into_iter().take(end).collect();
    let kept = whole.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':'));
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> usize {
        text.chars().count()
    }

    #[test]
    fn a_short_warning_stays_as_it_is() {
        let exact = "é".repeat(LONGEST);
        for text in ["added init containers pgbouncer", exact.as_str()] {
            assert_eq!(within_limits([text.to_owned()]), [text]);
        }
    }

    #[test]
    fn a_long_warning_is_cut_at_a_word() {
        let table = [
            // A word of one, two, three and four bytes for each character.
            ("word ", "word"),
            ("größe ", "größe"),
            ("日本語 ", "日本語"),
            ("🦀🦀🦀🦀🦀🦀🦀🦀 ", "🦀🦀🦀🦀🦀🦀🦀🦀"),
            // What separates goes with what it separated.
            ("one, ", "one"),
            ("a: ", "a"),
        ];
        for (unit, last) in table {
            let cut = within_limits([unit.repeat(200)]);
            let [cut] = cut.as_slice() else {
                panic!("{cut:?}");
            };
            assert!(length(cut) <= LONGEST, "{cut}");
            assert!(length(cut) > LONGEST - LONGEST_WORD - 2, "{cut}");
            assert!(cut.ends_with(&format!(" {last}…")), "{cut}");
        }
    }

    #[test]
    fn the_last_word_is_kept_where_it_fits_exactly() {
        let text = format!("{} {} rest", "a".repeat(200), "b".repeat(54));
        assert_eq!(length(&text), LONGEST - 1 + length(" rest"));
        let expected = text.replace(" rest", "…");
        assert_eq!(within_limits([text]), [expected]);
    }

    #[test]
    fn a_text_without_words_is_cut_between_characters() {
        for unit in ["x", "é", "日", "🦀"] {
            let expected = format!("{}…", unit.repeat(LONGEST - 1));
            assert_eq!(within_limits([unit.repeat(300)]), [expected]);
        }
        // The only space is too far in front.
        let text = format!("short {}", "y".repeat(300));
        let cut = within_limits([text]);
        assert_eq!(length(&cut[0]), LONGEST);
    }

    #[test]
    fn together_they_stay_within_the_limit_and_the_first_count() {
        let long = (0..40).map(|n| format!("{n} {}", "é".repeat(300)));
        let kept = within_limits(long);
        assert_eq!(kept.len(), TOGETHER / LONGEST);
        assert!(kept.iter().all(|warning| length(warning) <= LONGEST));
        assert!(kept.iter().map(|warning| length(warning)).sum::<usize>() <= TOGETHER);
        assert!(kept[0].starts_with("0 é") && kept[15].starts_with("15 é"));
    }

    #[test]
    fn each_is_told_once_and_without_what_the_api_server_drops() {
        let warnings = ["a\nb\u{85}c\u{7f}", "  ", "", "twice", "twice"].map(str::to_owned);
        assert_eq!(within_limits(warnings), ["a b c", "twice"]);
    }
}
