//! Running a target on any toolchain: the kept cases first, then inputs by chance until a number of them,
//! or a time, is over.
//!
//! `PILLION_FUZZ_SECONDS` is the time of each target; without it, or where it is empty, each has a number
//! of inputs that is the same each time. An input that fails is written to `target/fuzz`; copied to
//! `fuzz/cases/TARGET` it is tried for ever after.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::choices::{Random, changed};

/// Processor time that one input may take, in a debug build on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(30);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder below the repository, in order; none where there is no such folder.
pub(crate) fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Processor time of this thread so far.
fn used() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Runs a target on one input.
fn try_one(name: &str, input: &[u8], target: &impl Fn(&[u8])) {
    let folder = root().join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    // An input that overflows the stack ends the process: then it is found here.
    std::fs::write(folder.join(format!("{name}-now")), input).unwrap();
    let before = used();
    let ended = catch_unwind(AssertUnwindSafe(|| target(input)));
    let taken = used().saturating_sub(before);
    if ended.is_ok() && taken < LONGEST {
        return;
    }
    let digest = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let path = folder.join(format!("{name}-{digest:016x}"));
    std::fs::write(&path, input).unwrap();
    eprintln!("the input is in {}; it took {taken:?}", path.display());
    match ended {
        Err(panic) => resume_unwind(panic),
        Ok(()) => panic!("{name}: one input takes {taken:?}"),
    }
}

fn seconds() -> Option<Duration> {
    let text = std::env::var("PILLION_FUZZ_SECONDS").ok();
    let text = text.filter(|text| !text.is_empty())?;
    Some(Duration::from_secs(text.parse().unwrap()))
}

fn seed() -> u64 {
    let text = std::env::var("PROPTEST_RNG_SEED").ok();
    text.and_then(|text| text.parse().ok())
        .unwrap_or(20_261_121)
}

/// Runs a target, on `sample` inputs in `make test`. An input is one of the seeds with a few changes, or,
/// without seeds, bytes by chance.
/// Returns how many inputs there were.
///
/// It runs on a thread with the stack that the program gives to its own.
pub(crate) fn run(
    name: &str,
    sample: u32,
    seeds: &[Vec<u8>],
    target: impl Fn(&[u8]) + Send,
) -> usize {
    const STACK: usize = 8 * 1024 * 1024;
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn_scoped(scope, || all(name, sample, seeds, target));
        match thread.unwrap().join() {
            Ok(count) => count,
            Err(panic) => resume_unwind(panic),
        }
    })
}

fn all(name: &str, sample: u32, seeds: &[Vec<u8>], target: impl Fn(&[u8])) -> usize {
    for (path, case) in files(&format!("fuzz/cases/{name}")) {
        eprintln!("{}", path.display());
        try_one(name, &case, &target);
    }
    for seed in seeds {
        try_one(name, seed, &target);
    }
    let salt = name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte));
    let mut random = Random::new(seed().wrapping_add(salt));
    let started = Instant::now();
    let mut count = 0;
    let is_over = |count: usize| match seconds() {
        Some(seconds) => started.elapsed() >= seconds,
        None => count >= usize::try_from(crate::sampling::cases(sample)).unwrap(),
    };
    while !is_over(count) {
        let input = match seeds {
            [] => {
                let length = 16 + random.below(800);
                random.bytes(length)
            }
            seeds => {
                let [one, other] = [(); 2].map(|()| &seeds[random.below(seeds.len())]);
                changed(&mut random, one, other)
            }
        };
        try_one(name, &input, &target);
        count += 1;
    }
    println!("{name}: {count} inputs in {:?}", started.elapsed());
    count
}
