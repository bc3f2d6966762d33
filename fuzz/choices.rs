//! Choices made by bytes: what a fuzzer changes is bytes, and each means a choice of a generator.

/// Bytes that are read one by one; behind the last all choices are the first one.
#[derive(Debug)]
pub(crate) struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// A number below `bound`, which is at most 65536.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound <= 256 {
            return usize::from(self.byte()) % bound.max(1);
        }
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % bound
    }

    /// Whether something happens that does so once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// Whether no choice is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Numbers by chance; the same ones from the same seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound.max(1)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length)
            .map(|_| u8::try_from(self.below(256)).unwrap())
            .collect()
    }
}

/// Pieces that mean something to one of our readers.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "9223372036854775808",
    "\\ud800",
    "\\u0000",
    "\u{fffe}",
    "\u{feff}",
    "\u{2028}",
    "é🚲",
    "\n",
    "\n---\n",
    "\t",
    "- ",
    ": ",
    "#",
    "&a ",
    "*a",
    "!!binary ",
    "<<: ",
    "|\n  ",
    "${",
    "}",
    "$${",
    "$(",
    "params.",
    "pod.spec",
    "app.name",
    ".map(x, ",
    ".filter(x, ",
    "has(",
    "[?0]",
    ".?a",
    "orValue(",
    "matches('",
    "'(a*)*'",
    "size()",
    "? 1 : ",
    "auto",
    "..",
    "/",
    "~1",
    "pillion.dev/inject",
    "pillion.dev/status.",
    "$when",
    "files",
    "env",
    "volumeMounts",
    "containers",
    "restartPolicy",
    "metadata",
    "spec",
    "name",
    "Always",
    "dev/",
    "-",
    "a",
];

/// Some bytes with a few changes.
pub(crate) fn changed(random: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(12)).min(bytes.len());
        match random.below(8) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            3 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
            4 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = (from + random.below(64)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            5 => {
                // A few of the same, as deep or long things are made.
                let piece = bytes[at..end].repeat(random.below(20));
                bytes.splice(at..at, piece);
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())].bytes();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
