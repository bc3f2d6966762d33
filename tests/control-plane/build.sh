#!/usr/bin/env bash
# Builds the control plane that the tests run against: etcd, kube-apiserver and
# kube-controller-manager, and the kubectl of the same version, from the Go modules that
# go.mod and go.sum pin.
#
# The result lives in the user's cache folder, named by the hash of go.sum: a new
# version builds beside the old one, and every clone shares what is built. The last
# line on standard output is that folder; everything for people goes to standard error.
set -euo pipefail

kubernetes_version=1.37.0
binaries=(etcd kube-apiserver kube-controller-manager kubectl)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=../cache.sh
. "$here/../cache.sh"

complete() {
    local binary
    for binary in "${binaries[@]}"; do
        [ -x "$1/$binary" ] || return 1
    done
}

build_into() {
    local stamp=k8s.io/component-base/version
    # Without the stamp /version reports a number that clients cannot parse.
    (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -o "$1/" -ldflags "-s -w \
        -X $stamp.gitVersion=v$kubernetes_version \
        -X $stamp.gitMajor=${kubernetes_version%%.*} \
        -X $stamp.gitMinor=$(cut -d. -f2 <<<"$kubernetes_version")" \
        go.etcd.io/etcd/server/v3 \
        k8s.io/kubernetes/cmd/kube-apiserver \
        k8s.io/kubernetes/cmd/kube-controller-manager \
        k8s.io/kubernetes/cmd/kubectl) >&2
    # The package that is etcd's program is named after its folder.
    mv "$1/server" "$1/etcd"
}

sum=$(sum_of "$here/go.sum")
base=$cache/control-plane
folder=$base/${sum:0:12}

if ! complete "$folder"; then
    command -v go >/dev/null ||
        fail "go not found: install Go 1.26 or newer (https://go.dev/dl); the tests build a real kube-apiserver with it"
    mkdir -p "$base"
    lock "$base/.lock"
    if ! complete "$folder"; then
        say "building etcd, kube-apiserver, kube-controller-manager and kubectl $kubernetes_version: once, about five minutes"
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
