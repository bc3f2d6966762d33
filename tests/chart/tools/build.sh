#!/usr/bin/env bash
# Builds the programs that check what is installed: helm and kubeconform, from the Go modules
# that go.mod and go.sum pin.
#
# The result lives in the user's cache folder, named by the hash of go.sum. The last line on
# standard output is that folder; everything for people goes to standard error.
set -euo pipefail

binaries=(helm kubeconform)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../../cache.sh
. "$here/../../cache.sh"

complete() {
    local binary
    for binary in "${binaries[@]}"; do
        [ -x "$1/$binary" ] || return 1
    done
}

build_into() {
    (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -o "$1/" -ldflags "-s -w" \
        helm.sh/helm/v4/cmd/helm \
        github.com/yannh/kubeconform/cmd/kubeconform) >&2
}

sum=$(sum_of "$here/go.sum")
base=$cache/chart-tools
folder=$base/${sum:0:12}

if ! complete "$folder"; then
    command -v go >/dev/null ||
        fail "go not found: install Go 1.26 or newer (https://go.dev/dl); the tests build helm with it"
    mkdir -p "$base"
    lock "$base/.lock"
    if ! complete "$folder"; then
        say "building helm and kubeconform: once, about two minutes"
        work=$(mktemp -d "$base/.building.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        build_into "$work"
        chmod 755 "$work"
        rm -rf "$folder"
        mv "$work" "$folder"
        say "built in $SECONDS s: $folder"
    fi
fi
printf '%s\n' "$folder"
