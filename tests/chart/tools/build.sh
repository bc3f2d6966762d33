#!/usr/bin/env bash
# Builds the programs that check what is installed, helm and kubeconform, and yamljson, which reads
# YAML as kubectl does, from the Go modules that go.mod and go.sum pin; and brings the definitions of cert-manager's kinds, from its module.
#
# The result lives in the user's cache folder, named by the hash of go.sum. The last line on
# standard output is that folder; everything for people goes to standard error.
set -euo pipefail

binaries=(helm kubeconform yamljson)
cert_manager=github.com/cert-manager/cert-manager@v1.19.1
cert_manager_sum=h1:Txh8L/nLWTDcb7ZnXuXbTe15BxQnLbLirXmbNk0fGgY=

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../../cache.sh
. "$here/../../cache.sh"

complete() {
    local binary
    for binary in "${binaries[@]}"; do
        [ -x "$1/$binary" ] || return 1
    done
    [ -d "$1/cert-manager" ]
}

build_into() {
    (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -o "$1/" -ldflags "-s -w" \
        helm.sh/helm/v4/cmd/helm \
        github.com/yannh/kubeconform/cmd/kubeconform \
        ./yamljson) >&2
    local answer
    answer=$(cd "$here" && go mod download -json "$cert_manager")
    [[ $answer == *"\"Sum\": \"$cert_manager_sum\""* ]] || fail "$cert_manager is not what it was"
    mkdir "$1/cert-manager"
    local module
    module=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$answer")
    cp "$module"/deploy/crds/cert-manager.io_{certificates,issuers,clusterissuers}.yaml "$1/cert-manager/"
    chmod -R u+w "$1"
}

sum=$(cat "$here/go.sum" "$here/build.sh" "$here/yamljson/main.go" | sum_of)
base=$cache/chart-tools
folder=$base/${sum:0:12}

if ! complete "$folder"; then
    command -v go >/dev/null ||
        fail "go not found: install Go 1.26 or newer (https://go.dev/dl); the tests build helm with it"
    mkdir -p "$base"
    lock "$base/.lock"
    if ! complete "$folder"; then
        say "building helm, kubeconform and yamljson: once, about two minutes"
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
