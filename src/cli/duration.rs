//! Durations in flags: `720h`, `1h30m`, `30d`, as Go writes them, and with days.

use std::time::Duration;

/// Units and their seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The longest duration: a hundred years, which every clock can add to now.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// Reads a duration.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}`: expected a duration such as 30d, 12h, 1h30m or 90s");
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = UNITS.iter().find_map(|(unit, seconds)| {
            let rest = tail.strip_prefix(unit)?;
            Some((*seconds, rest))
        });
        let (seconds, next) = unit.ok_or_else(wrong)?;
        let part = Duration::from_secs(number.saturating_mul(seconds));
        total = total.saturating_add(part);
        rest = next;
    }
    if total > LONGEST {
        return Err(format!("`{text}`: more than a hundred years"));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [("30d", 2_592_000), ("1h30m", 5_400), ("90s", 90), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "30",
            "d",
            "-1h",
            "1.5h",
            "1w",
            "99999999999999999999s",
            "101y",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("36501d").unwrap_err().contains("hundred years"));
    }
}
