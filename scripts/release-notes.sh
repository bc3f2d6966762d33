#!/usr/bin/env bash
# Prints what CHANGELOG.md says of one version, for the notes of its release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:?usage: release-notes.sh VERSION}
notes=$(awk -v heading="## [$version]" '
    index($0, heading) == 1 { inside = 1; next }
    /^## / { inside = 0 }
    inside' CHANGELOG.md)
if [ -z "${notes//[[:space:]]/}" ]; then
    echo "error: CHANGELOG.md has no section \"## [$version]\"" >&2
    exit 1
fi
printf '%s\n' "$notes"
