#!/usr/bin/env bash
# Runs the tests that need a real node. Where a node cannot be, says why, names the tests that
# did not run, and fails, unless SKIP_NODE=1 says that this is meant: what did not run has not passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Why a node cannot be here; nothing where it can.
obstacle() {
    [ "$(uname -s)" = Linux ] || { echo "this is no Linux"; return; }
    [ "$(id -u)" = 0 ] || { echo "this is not root"; return; }
    command -v unshare >/dev/null || { echo "unshare not found (package util-linux)"; return; }
    unshare --net --mount --pid --fork --mount-proc sh -c 'mount -t tmpfs tmpfs /run' 2>/dev/null ||
        echo "namespaces or mounts are not permitted here"
}

why=$(obstacle)
if [ -n "$why" ]; then
    echo "not run, because a node needs root and Linux namespaces, and $why:"
    cargo test --quiet --locked --test node -- --ignored --list --format terse |
        sed -n 's/: test$//; s/^/  /p'
    [ "${SKIP_NODE:-}" = 1 ] && exit 0
    echo "error: NOT RUN; SKIP_NODE=1 says that this is meant" >&2
    # EX_UNAVAILABLE of sysexits.h: nothing failed, and nothing was tried.
    exit 69
fi

PILLION_CONTROL_PLANE=$(tests/control-plane/build.sh)
PILLION_NODE=$(tests/cluster/build.sh)
PILLION_CHART_TOOLS=$(tests/chart/tools/build.sh)
# Static like the real one, and built as the tests are: minutes less. The folder holds nothing else.
PILLION_IMAGE=${CARGO_TARGET_DIR:-$PWD/target}/image
mkdir -p "$PILLION_IMAGE"
deploy/image/build.sh --profile dev "$PILLION_IMAGE/pillion.tar" >/dev/null
export PILLION_CONTROL_PLANE PILLION_NODE PILLION_CHART_TOOLS PILLION_IMAGE
cargo test --locked --test node first_steps:: -- --ignored "$@"
cargo test --locked --test node installation:: -- --ignored "$@"
# The tests wait for the cluster far more than they work, so more of them run at once than
# there are processors.
exec cargo test --locked --test node cluster:: -- --ignored --test-threads 10 "$@"
