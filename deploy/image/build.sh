#!/usr/bin/env bash
# Builds Pillion's image without an image builder: the static program and a user, from scratch.
# The Dockerfile beside the root makes the same. The last line on standard output is the archive;
# everything for people goes to standard error.
#
#   deploy/image/build.sh [--profile PROFILE] [--name NAME] OUTPUT
#
# PROFILE is one of Cargo's, `release` without it. ARCH=arm64 builds for that architecture, where
# Rust's target and a C compiler for it are installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=archive.sh
. "$root/deploy/image/archive.sh"

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
profile=release
name=ghcr.io/pillion/pillion:$version
while [ $# -gt 1 ]; do
    case $1 in
        --profile) profile=$2 ;;
        --name) name=$2 ;;
        *) fail "unknown: $1; usage: deploy/image/build.sh [--profile PROFILE] [--name NAME] OUTPUT" ;;
    esac
    shift 2
done
[ $# = 1 ] || fail "usage: deploy/image/build.sh [--profile PROFILE] [--name NAME] OUTPUT"
output=$1

case ${ARCH:-$(uname -m)} in
    amd64 | x86_64) architecture=amd64 target=x86_64-unknown-linux-gnu ;;
    arm64 | aarch64) architecture=arm64 target=aarch64-unknown-linux-gnu ;;
    *) fail "no image is made for ${ARCH:-$(uname -m)}: amd64 and arm64 are known" ;;
esac

program=$("$root/deploy/image/program.sh" "$profile" "$target" | tail -n 1)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
mkdir -p "$stage/etc"
cp "$program" "$stage/pillion"
if [ "$architecture" = "$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" ]; then
    strip "$stage/pillion"
    ! LC_ALL=C readelf -l "$stage/pillion" | grep -q INTERP || fail "$program is not static"
fi
chmod 755 "$stage/pillion"
cp "$root/deploy/image/passwd" "$root/deploy/image/group" "$stage/etc/"
chmod 755 "$stage/etc"
chmod 644 "$stage/etc"/*

labels=$(printf '"org.opencontainers.image.title":"pillion","org.opencontainers.image.version":"%s","org.opencontainers.image.licenses":"Apache-2.0"' "$version")
archive "$stage" "$name" \
    '{"User":"65532:65532","Entrypoint":["/pillion"],"WorkingDir":"/","Labels":{'"$labels"'}}' \
    "$output" "$architecture" gzip
say "$name for linux/$architecture: $(stat -c %s "$output") bytes, the program alone $(stat -c %s "$stage/pillion")"
printf '%s\n' "$output"
