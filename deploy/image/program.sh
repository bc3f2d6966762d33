#!/usr/bin/env bash
# Builds the static program of Pillion's image. The last line on standard output is its path;
# everything for people goes to standard error.
#
#   deploy/image/program.sh PROFILE TARGET
#
# PROFILE is one of Cargo's, TARGET one of Rust's. A release for this machine's own architecture is
# built twice: the first program counts what runs while it answers reviews (train.sh), and the second
# is laid out by that, which saves an eighth of the processor time for replicas and three tenths for
# first pods (docs/performance.md). UNTRAINED=1 leaves that out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

[ $# = 2 ] || fail "usage: deploy/image/program.sh PROFILE TARGET"
profile=$1 target=$2
folder=$profile
[ "$profile" != dev ] || folder=debug
# From the root the pinned toolchain is asked. These flags would hide those below.
cd "$root"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
mkdir -p "${CARGO_TARGET_DIR:-target}"
targets=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)

# Flags for the target alone: with --target, Cargo keeps them from build scripts and procedural
# macros, which cannot be static. Paths of this machine do not belong into the program.
home=${CARGO_HOME:-$HOME/.cargo}
flags="-C target-feature=+crt-static --remap-path-prefix=$home=/cargo --remap-path-prefix=$root=/pillion"
name=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_RUSTFLAGS

# build FLAGS FOLDER: builds with these flags beside the usual ones.
build() {
    (export "$name=$flags $1" && cargo build --locked --bin pillion \
        --profile "$profile" --target "$target" --target-dir "$2") >&2
}

is_own=$(rustc -vV | sed -n 's/^host: //p' | cut -d- -f1)
if [ "$profile" != release ] || [ "${target%%-*}" != "$is_own" ] || [ -n "${UNTRAINED:-}" ]; then
    build "" "$targets"
    printf '%s\n' "$targets/$target/$folder/pillion"
    exit
fi

merge=$(find "$(rustc --print sysroot)/lib/rustlib" -name llvm-profdata | head -n 1)
[ -n "$merge" ] ||
    fail "llvm-profdata not found: rustup component add llvm-tools (UNTRAINED=1 builds without it)"
command -v curl >/dev/null || fail "curl not found: it trains the program (UNTRAINED=1 builds without it)"
# From nothing each time: Cargo does not see that what was counted is another.
training=$targets/training
rm -rf "$training"
mkdir -p "$training/counts"
counts=$training/counts
build "-C profile-generate=$counts" "$training/counting"
"$root/deploy/image/train.sh" "$training/counting/$target/release/pillion" >&2
[ -n "$(find "$counts" -name '*.profraw')" ] || fail "nothing was counted"
"$merge" merge -o "$counts/merged.profdata" "$counts"/*.profraw
rm -rf "$training/counting"
build "-C profile-use=$counts/merged.profdata" "$training"
printf '%s\n' "$training/$target/release/pillion"
