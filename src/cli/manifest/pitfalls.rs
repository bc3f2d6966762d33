//! Plain words of YAML that `kubectl` reads as something else than the parser here.
//!
//! `kubectl` reads with go-yaml: `nULL` and `tRue` are texts to it, `[--prefix=app:, go]` holds two
//! texts, and the key `yes` is `true`. A document that has such a word can pass as it is, but not be
//! written anew: what came out would be another object than the one that the user applies today.

/// The words of YAML 1.1 for booleans, to which go-yaml converts keys.
const BOOLEANS: [&str; 18] = [
    "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off",
    "OFF", "True", "False",
];

/// What is wrong with a text, and in which of its lines, from 1.
pub(super) fn find(text: &str) -> Option<(usize, String)> {
    let mut scanner = Scanner::default();
    text.lines().enumerate().find_map(|(index, line)| {
        let problem = scanner.line(line)?;
        Some((index + 1, problem))
    })
}

/// Where in the document the scanner is.
#[derive(Debug, Default)]
struct Scanner {
    /// The quote that a text of several lines began with.
    quote: Option<char>,
    /// How many flow collections are open.
    depth: usize,
    /// The indentation of the line at which a block scalar began.
    block: Option<usize>,
}

impl Scanner {
    fn line(&mut self, line: &str) -> Option<String> {
        let content = line.trim_start();
        let indentation = line.len() - content.len();
        if self
            .block
            .is_some_and(|parent| content.is_empty() || indentation > parent)
        {
            return None;
        }
        self.block = None;
        let mut rest = if self.quote.is_some() { line } else { content };
        while !rest.is_empty() {
            rest = match self.quote {
                Some(quote) => self.behind_quote(rest, quote),
                None => match self.token(rest) {
                    Ok(rest) => rest,
                    Err(problem) => return Some(problem),
                },
            };
        }
        let before_comment = content.split(" #").next().unwrap_or(content).trim_end();
        let header = before_comment
            .trim_end_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let is_header =
            matches!(header, "|" | ">") || header.ends_with(" |") || header.ends_with(" >");
        if is_header && self.depth == 0 && self.quote.is_none() {
            self.block = Some(indentation);
        }
        None
    }

    /// Skips a quoted text, to the end of the line where it goes on.
    fn behind_quote<'l>(&mut self, rest: &'l str, quote: char) -> &'l str {
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            if character == '\\' && quote == '"' {
                characters.next();
            } else if character == quote {
                let behind = rest.get(at + 1..).unwrap_or_default();
                match behind.strip_prefix('\'').filter(|_| quote == '\'') {
                    Some(_) => {
                        characters.next();
                    }
                    None => {
                        self.quote = None;
                        return behind;
                    }
                }
            }
        }
        ""
    }

    /// Reads what begins here, and returns what is behind it.
    fn token<'l>(&mut self, rest: &'l str) -> Result<&'l str, String> {
        let first = rest.chars().next().unwrap_or(' ');
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let ends_word = behind.is_empty() || behind.starts_with([' ', '\t']);
        match first {
            ' ' | '\t' | '\r' => Ok(behind),
            '#' => Ok(""),
            '\'' | '"' => {
                self.quote = Some(first);
                Ok(behind)
            }
            '[' | '{' => {
                self.depth += 1;
                Ok(behind)
            }
            ']' | '}' | ',' if self.depth > 0 => {
                self.depth -= usize::from(first != ',');
                Ok(behind)
            }
            '-' | '?' | ':' if ends_word => Ok(behind),
            ':' if self.depth > 0 && behind.starts_with([',', ']', '}', '"', '\'', '[', '{']) => {
                Ok(behind)
            }
            _ => self.plain(rest),
        }
    }

    /// Checks a plain scalar.
    fn plain<'l>(&self, rest: &'l str) -> Result<&'l str, String> {
        let in_flow = self.depth > 0;
        let mut end = rest.len();
        let mut before = '\0';
        for (at, character) in rest.char_indices() {
            let behind = rest.get(at + character.len_utf8()..).unwrap_or_default();
            let is_end = match character {
                ':' => {
                    if in_flow && behind.starts_with([',', ']', '}']) {
                        let word = rest.get(..=at).unwrap_or_default();
                        return Err(format!(
                            "`{word}` is a text to kubectl and a key to other readers of YAML: put it \
                             in quotes"
                        ));
                    }
                    behind.is_empty() || behind.starts_with([' ', '\t', '\r'])
                }
                ',' | '[' | ']' | '{' | '}' => in_flow,
                '#' => matches!(before, ' ' | '\t'),
                _ => false,
            };
            if is_end {
                end = at;
                break;
            }
            before = character;
        }
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let word = word.trim_end();
        let is_key = behind.starts_with(':');
        if is_converted(word, is_key) {
            return Err(if is_key {
                format!("kubectl converts the key `{word}`: put the key that is meant in quotes")
            } else {
                format!(
                    "`{word}` is a text to kubectl: put it in quotes, or write it in lower case"
                )
            });
        }
        Ok(behind)
    }
}

/// Whether readers differ about a plain word.
fn is_converted(word: &str, is_key: bool) -> bool {
    let known = ["null", "true", "false"]
        .into_iter()
        .find(|known| word.eq_ignore_ascii_case(known));
    if let Some(known) = known {
        let mut title = known.to_owned();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        return word != known && word != title && word != known.to_ascii_uppercase();
    }
    if !is_key {
        return false;
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let is_prefixed = ["0x", "0o", "0b"]
        .iter()
        .any(|prefix| word.starts_with(prefix));
    BOOLEANS.contains(&word)
        || is_prefixed
        || (is_number
            && word
                .replace('_', "")
                .parse::<f64>()
                .is_ok_and(|number| number.to_string() != word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_readers_differ_about_are_found() {
        for (text, line, told) in [
            ("args: [--prefix=app:, go]\n", 1, "`--prefix=app:`"),
            ("a:\n  args: [x,\n    b:]\n", 3, "`b:`"),
            ("a: nULL\n", 1, "`nULL`"),
            ("a:\n- tRue # why\n", 2, "`tRue`"),
            ("a: {b: fALSE}\n", 1, "`fALSE`"),
            ("yes: 1\n", 1, "the key `yes`"),
            ("a:\n  0x10: b\n", 2, "the key `0x10`"),
            ("- 1e3: b\n", 1, "the key `1e3`"),
        ] {
            let (at, problem) = find(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(at, line, "{text:?}");
            assert!(problem.contains(told), "{text:?}: {problem}");
        }
    }

    #[test]
    fn words_that_all_readers_agree_about_are_left_alone() {
        for text in [
            "a: null\nb: NULL\nc: True\nd: ~\n",
            "a: \"nULL\"\nb: 'x: tRue'\n",
            "a: |\n  nULL\n  [a:, b]\nb: c\n",
            "script: >-\n  yes: no\n",
            "a: yes\nb: [no, on]\n",
            "80: b\n-1: c\n1.5: d\n",
            "a: [b, \"c:\", {d: e}, http://x:80/y]\n",
            "a: x # nULL\n# tRue\n",
            "a: \"two\n  nULL\"\nb: it's\n",
            "a: this is nULL indeed\n",
            "{\"a\":null,\"b\":[1,2]}\n",
            "a: b:c:d\n",
        ] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }
}
