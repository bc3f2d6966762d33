//! Plain words of YAML that `kubectl` reads as something else than the parser here.
//!
//! `kubectl` reads with go-yaml: `nULL` and `tRue` are texts to it, `[--prefix=app:, go]` holds two
//! texts, and the key `yes` is `true`. A document that has such a word can pass as it is, but not be
//! written anew: what came out would be another object than the one that the user applies today.

/// The words of YAML 1.1 for booleans, to which go-yaml converts plain values and keys.
const BOOLEANS: [&str; 18] = [
    "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off",
    "OFF", "True", "False",
];

/// The tags that all readers of YAML know.
const TAGS: [&str; 7] = ["bool", "float", "int", "map", "null", "seq", "str"];

/// Whether a plain word, in just this case, is a boolean to kubectl, besides `true` and `false`.
pub(crate) fn is_boolean(word: &str) -> bool {
    BOOLEANS.contains(&word)
}

/// What is wrong with a text, and in which of its lines, from 1.
pub(crate) fn find(text: &str) -> Option<(usize, String)> {
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
    /// Whether only blanks stand between the `-` of an item, or the line's beginning, and here.
    starts_item: bool,
    /// Whether a quoted text, or a flow collection, ended just before.
    behind_closed: bool,
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
        self.starts_item = false;
        while !rest.is_empty() {
            if !rest.starts_with([' ', '\t', '-']) {
                self.starts_item = false;
            }
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
                        self.behind_closed = true;
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
        let behind_closed = std::mem::take(&mut self.behind_closed);
        match first {
            '\t' if self.starts_item && self.depth == 0 => {
                Err("kubectl takes no tab here: indent by blanks".to_owned())
            }
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
                self.behind_closed = first != ',';
                Ok(behind)
            }
            '?' if ends_word => {
                Err("kubectl converts keys behind `?`: write `KEY: VALUE`".to_owned())
            }
            '-' | ':' if ends_word => {
                self.starts_item = first == '-';
                Ok(behind)
            }
            ':' if behind_closed => Ok(behind),
            ':' | '?' if self.depth > 0 && !behind.starts_with([',', ']', '}']) => Err(format!(
                "kubectl takes no plain word that begins with `{first}` inside `[]` or `{{}}`: put \
                     it in quotes"
            )),
            '&' | '*' | '!' => named(rest),
            ':' if self.depth > 0 && behind.starts_with([',', ']', '}']) => Ok(behind),
            _ => self.plain(rest),
        }
    }

    fn plain<'l>(&self, rest: &'l str) -> Result<&'l str, String> {
        let end = self.plain_end(rest)?;
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let word = word.trim_end();
        if self.depth > 0 && word.contains('?') {
            return Err(format!(
                "kubectl takes no plain `?` inside `[]` or `{{}}`: put `{word}` in quotes"
            ));
        }
        let is_key = behind.starts_with(':');
        let merged = behind.strip_prefix(':').map(str::trim_start);
        if word == "<<" && merged.is_some_and(|merged| !merged.starts_with(['*', '[', '{'])) {
            return Err("kubectl merges maps alone: name one behind `<<:`".to_owned());
        }
        if is_converted(word, is_key) {
            return Err(if is_key {
                format!("kubectl converts the key `{word}`: put the key that is meant in quotes")
            } else {
                format!(
                    "kubectl and other readers of YAML differ about `{word}`: put it in quotes where \
                     it is a text, and write a number or `null`, `true`, `false` plainly"
                )
            });
        }
        Ok(behind)
    }

    /// Where a plain scalar ends.
    fn plain_end(&self, rest: &str) -> Result<usize, String> {
        let in_flow = self.depth > 0;
        let mut before = '\0';
        for (at, character) in rest.char_indices() {
            let behind = rest.get(at + character.len_utf8()..).unwrap_or_default();
            let is_end = match character {
                ':' if in_flow && behind.starts_with([',', ']', '}']) => {
                    let word = rest.get(..=at).unwrap_or_default();
                    return Err(format!(
                        "`{word}` is a text to kubectl and a key to other readers of YAML: put it \
                         in quotes"
                    ));
                }
                ':' => behind.is_empty() || behind.starts_with([' ', '\t', '\r']),
                ',' | '[' | ']' | '{' | '}' => in_flow,
                '#' => matches!(before, ' ' | '\t'),
                _ => false,
            };
            if is_end {
                return Ok(at);
            }
            before = character;
        }
        Ok(rest.len())
    }
}

/// Reads the name behind `&`, `*` or `!`.
fn named(rest: &str) -> Result<&str, String> {
    let end = rest.find([' ', '\t', '\r', ',', ']', '}', '[', '{']);
    let (name, behind) = rest
        .split_at_checked(end.unwrap_or(rest.len()))
        .unwrap_or((rest, ""));
    let is_plain = match name.strip_prefix(['&', '*']) {
        Some(anchor) => {
            let mut characters = anchor.chars();
            !anchor.is_empty()
                && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        }
        None => name
            .strip_prefix("!!")
            .is_some_and(|tag| TAGS.contains(&tag)),
    };
    if is_plain {
        return Ok(behind);
    }
    Err(format!(
        "kubectl does not read `{name}` as other readers of YAML do: leave it out"
    ))
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
        let is_other = is_key || (word != title && word != known.to_ascii_uppercase());
        return word != known && is_other;
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let lower = word.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let is_prefixed = ["0x", "0o", "0b"]
        .iter()
        .any(|prefix| lower.starts_with(prefix));
    if word.contains('_') && is_number {
        return is_prefixed || lower.replace('_', "").parse::<f64>().is_ok();
    }
    if !is_key {
        return false;
    }
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return true;
    }
    BOOLEANS.contains(&word)
        || is_prefixed
        || (is_number
            && word
                .replace('_', "")
                .parse::<f64>()
                .is_ok_and(|number| number.to_string() != word || word == "-0"))
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
            ("0X1F: b\n", 1, "the key `0X1F`"),
            (".Inf: b\n", 1, "the key `.Inf`"),
            ("a: 1_000\n", 1, "`1_000`"),
            ("a: +1._1\n", 1, "`+1._1`"),
            ("a: {expression: pod.?b}\n", 1, "`pod.?b`"),
            ("a: [ ?b ]\n", 1, "begins with `?`"),
            ("a: {:b: c}\n", 1, "begins with `:`"),
            ("a: [:\"b, c]\n", 1, "begins with `:`"),
            ("a:\n  <<: # b\n", 2, "`<<:`"),
            ("a:\n  <<:\n", 2, "`<<:`"),
            ("a:\n- &b*c d\n", 2, "`&b*c`"),
            ("a:\n- \tb\n", 2, "no tab"),
            ("True: b\n", 1, "the key `True`"),
            ("-0: b\n", 1, "the key `-0`"),
            ("a: !b c\n", 1, "`!b`"),
            ("- ? 5.\n", 1, "behind `?`"),
            ("a: !!b c\n", 1, "`!!b`"),
            ("a:\n  <<: null\n", 2, "`<<:`"),
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
            "a: {\"b\":x,'c':1, [d]:e}\n",
            "a: &b {<<: *b, c: !!str 1}\nd: e?f\ng: a_1\nh: 1_a\n",
            "a: \tb\n-\n",
        ] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }
}
