//! What a command surely does: whether it never ends, and how long it pauses.
//!
//! Only what is certain counts. A command that is not understood ends, and takes no time.

use super::script::{Link, Segment, segments};

/// A pause of a year: who writes so much means for ever.
const FOR_EVER: u64 = 365 * 24 * 60 * 60;

/// Words with which a script can end early, or end what runs in it.
const ENDING: [&str; 10] = [
    "exit", "return", "break", "kill", "pkill", "killall", "trap", "timeout", "eval", "source",
];

/// Whether a command surely never ends with success.
pub(super) fn never_ends(command: &[&str]) -> bool {
    match script(command) {
        Some(script) => segments(script).is_some_and(|segments| script_never_ends(&segments)),
        None => is_endless(command),
    }
}

/// The whole seconds that a command surely pauses.
pub(super) fn seconds(command: &[&str]) -> Option<u64> {
    let Some(script) = script(command) else {
        return pause(command);
    };
    let segments = segments(script)?;
    let mut total: u64 = 0;
    // What stands behind `&&` is reached only if what stands before it succeeds.
    let mut is_reached = true;
    for segment in &segments {
        let words: Vec<&str> = segment.words.iter().map(String::as_str).collect();
        let first = words.first().copied().unwrap_or_default();
        if is_control(first) || ENDING.contains(&first) || segment.link == Link::Or {
            break;
        }
        let paused = pause(&words);
        if is_reached && segment.link != Link::Background {
            total = total.saturating_add(paused.unwrap_or(0));
        }
        is_reached = match segment.link {
            Link::And => is_reached && (paused.is_some() || matches!(first, "echo" | "true" | ":")),
            _ => true,
        };
    }
    (total > 0).then_some(total)
}

/// The script of `sh -c …`, whatever the shell and its other flags.
fn script<'c>(command: &[&'c str]) -> Option<&'c str> {
    let (shell, rest) = command.split_first()?;
    let (shell, rest) = match (base(shell), rest.split_first()) {
        ("busybox", Some((applet, rest))) => (base(applet), rest),
        (shell, _) => (shell, rest),
    };
    if !matches!(shell, "sh" | "bash" | "ash" | "dash" | "ksh" | "zsh") {
        return None;
    }
    let mut rest = rest.iter();
    while let Some(flag) = rest.next() {
        let is_short = flag.starts_with('-') && !flag.starts_with("--");
        if is_short && flag.contains('c') {
            // `-o pipefail` can stand behind, as in `sh -ec -o pipefail …`: not certain then.
            return rest
                .next()
                .copied()
                .filter(|script| !script.starts_with('-'));
        }
        if is_short && flag.ends_with('o') {
            rest.next();
        } else if !flag.starts_with('-') {
            return None;
        }
    }
    None
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_control(word: &str) -> bool {
    const WORDS: [&str; 17] = [
        "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac",
        "select", "function", "{", "}", "!",
    ];
    WORDS.contains(&word) || word.contains('(') || word.contains(')')
}

/// Whether a plain command never ends.
fn is_endless(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    match base(program) {
        "sleep" => pause(command).is_some_and(|seconds| seconds >= FOR_EVER),
        "tail" => {
            let follows = |word: &&str| {
                let is_short = word.starts_with('-') && !word.starts_with("--");
                (is_short && word.contains(['f', 'F'])) || word.starts_with("--follow")
            };
            let is_plain = |word: &&str| !word.starts_with("--pid");
            arguments.iter().any(follows)
                && arguments.iter().all(is_plain)
                && arguments.last() == Some(&"/dev/null")
        }
        "busybox" | "exec" => is_endless(arguments),
        _ => false,
    }
}

/// The whole seconds of `sleep N`, of several the sum as GNU has it.
fn pause(command: &[&str]) -> Option<u64> {
    let (program, times) = command.split_first()?;
    match base(program) {
        "sleep" if !times.is_empty() => {
            let mut total = 0_f64;
            for time in times {
                total += time_of(time)?;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a time is not negative, and a long one is for ever"
            )]
            let whole = total.min(f64::from(u32::MAX)) as u64;
            Some(whole)
        }
        "busybox" | "exec" => pause(times),
        _ => None,
    }
}

fn time_of(text: &str) -> Option<f64> {
    if matches!(text.to_ascii_lowercase().as_str(), "infinity" | "inf") {
        return Some(f64::INFINITY);
    }
    let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let unit = match text.get(number.len()..)? {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    number
        .parse::<f64>()
        .ok()
        .filter(|_| is_plain)
        .map(|number| number * unit)
}

/// Whether a script, once it is at its end, never gets over it, and surely gets there or fails.
fn script_never_ends(segments: &[Segment]) -> bool {
    let Some((last, before)) = segments.split_last() else {
        return false;
    };
    let words = segments.iter().flat_map(|segment| &segment.words);
    let mut words = words.map(String::as_str);
    // Another program takes over with `exec`, so that what stands behind is never reached.
    let execs = before
        .iter()
        .any(|segment| segment.words.first().is_some_and(|word| word == "exec"));
    if execs || words.any(|word| ENDING.contains(&base(word))) {
        return false;
    }
    let last_words: Vec<&str> = last.words.iter().map(String::as_str).collect();
    let link_before = before.last().map(|segment| segment.link);
    match (last.link, link_before) {
        (Link::Then, None | Some(Link::Then | Link::And)) => {
            // `a || b && sleep infinity` may come to the sleep, or to an end before it.
            let chained = before
                .iter()
                .rev()
                .take_while(|segment| segment.link != Link::Then);
            let is_sure = chained.clone().all(|segment| segment.link == Link::And);
            let is_last = is_sure && is_endless(&last_words);
            is_last || (last_words == ["done"] && loops(segments))
        }
        (Link::Then, Some(Link::Background)) => {
            let waits = matches!(last_words.as_slice(), ["wait"] | ["wait", "$!"]);
            let started = before.last().map(|segment| &segment.words);
            let started: Vec<&str> = started.into_iter().flatten().map(String::as_str).collect();
            waits && is_endless(&started)
        }
        _ => false,
    }
}

/// Whether the loop that ends the script is one without an end.
fn loops(segments: &[Segment]) -> bool {
    let mut depth = 0_usize;
    let mut rest = segments.iter().enumerate().rev();
    let head = rest.find_map(|(index, segment)| {
        match segment.words.first().map(String::as_str) {
            Some("done") => depth += 1,
            Some("while" | "until" | "for" | "select") => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some((index, segment))
    });
    let Some((index, head)) = head else {
        return false;
    };
    let before = index.checked_sub(1).and_then(|index| segments.get(index));
    let words: Vec<&str> = head.words.iter().map(String::as_str).collect();
    let is_endless = matches!(
        words.as_slice(),
        ["while", "true" | ":" | "/bin/true"] | ["while", "[", "1", "]"] | ["until", "false"]
    );
    is_endless && head.link == Link::Then && before.is_none_or(|segment| segment.link == Link::Then)
}
