#!/usr/bin/env bash
# Checks the workflows with actionlint, built from the Go module that go.mod and go.sum pin, and runs the scripts of a release
# that need no network. A workflow runs elsewhere and late: here its mistakes are found before.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..

# shellcheck source=../cache.sh
. "$here/../cache.sh"

sum=$(cat "$here/go.sum" "$here/check.sh" | sum_of)
base=$cache/workflows
folder=$base/${sum:0:12}
if ! [ -x "$folder/actionlint" ]; then
    command -v go >/dev/null || fail "go not found: install Go 1.26 or newer (https://go.dev/dl); actionlint is built with it"
    mkdir -p "$base"
    lock "$base/.lock"
    if ! [ -x "$folder/actionlint" ]; then
        say "building actionlint: once, some seconds"
        (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -o "$folder/" github.com/rhysd/actionlint/cmd/actionlint) >&2
    fi
fi
"$folder/actionlint" "$root"/.github/workflows/*.yml

version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
grep -q "^## \[\(Unreleased\|$version\)\]" "$root/CHANGELOG.md" || fail "CHANGELOG.md has no section for $version or [Unreleased]"

archives=$(mktemp -d)
trap 'rm -rf "$archives"' EXIT
for platform in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
    printf '%s' "$platform" >"$archives/pillion-$platform.tar.gz"
done
manifest=$(GITHUB_REPOSITORY=example/pillion "$root/scripts/krew-manifest.sh" "v$version" "$archives")
sums=$(grep -c 'sha256: [0-9a-f]\{64\}$' <<<"$manifest")
[ "$sums" = 4 ] || fail "the plugin's manifest has $sums checksums instead of 4"
say "the workflows and the scripts of a release are in order"
