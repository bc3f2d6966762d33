#!/usr/bin/env bash
# Tests the playground in a headless Chromium. Where Chromium or Node.js is missing, Debian's packages
# are installed; where they cannot be, says so and fails. SKIP_BROWSER=1 says that skipping is meant.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
# shellcheck source=../cache.sh
. "$here/../cache.sh"

if [ "${SKIP_BROWSER:-}" = 1 ]; then
    say "NOT RUN, as SKIP_BROWSER=1 says: the tests of the playground in a browser"
    exit 0
fi

# The first of these programs that is here.
first_of() {
    local name
    for name in "$@"; do
        command -v "$name" && return 0
    done
    return 1
}

browser() { first_of chromium chromium-browser google-chrome; }

missing=()
browser >/dev/null || missing+=(chromium fonts-dejavu-core)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null ||
        fail "these tests need a Chromium and Node.js with npm, and there is no apt-get to install: ${missing[*]}"
    [ "$(id -u)" = 0 ] ||
        fail "these tests need Debian packages; install them as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    install=(apt-get -qq -y --no-install-recommends install "${missing[@]}")
    export DEBIAN_FRONTEND=noninteractive
    "${install[@]}" >&2 || { apt-get -qq update >&2 && "${install[@]}" >&2; } ||
        unavailable "apt-get could not install ${missing[*]}"
fi

# axe-core, the one package of the lock file, into the cache.
base=$cache/browser
modules=$base/$(cat "$here/package-lock.json" | sum_of | cut -c -12)
if ! [ -d "$modules" ]; then
    mkdir -p "$base"
    lock "$base/.lock"
    if ! [ -d "$modules" ]; then
        folder=$(mktemp -d "$base/.building.XXXXXX")
        cp "$here/package.json" "$here/package-lock.json" "$folder"
        (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund >&2) || {
            rm -rf "$folder"
            unavailable "npm could not install axe-core"
        }
        mv "$folder" "$modules"
    fi
    exec 9>&-
fi

# With the example the dependencies have the features of the other tests, and are not built a second time.
(cd "$root" && cargo build --locked --bin pillion --example demo)
export PILLION=${CARGO_TARGET_DIR:-$root/target}/debug/pillion
CHROMIUM=$(browser)
export CHROMIUM AXE=$modules/node_modules/axe-core/axe.min.js
exec node --test "$here/playground.test.mjs"
