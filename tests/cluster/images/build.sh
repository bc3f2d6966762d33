#!/usr/bin/env bash
# Makes the images of the tests' node into the folder $1 out of Debian packages, which are
# downloaded and unpacked but never installed: no service starts and nothing here changes.
# $2 is where downloaded packages are kept, $3 holds programs that are no Debian packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=$1
packages=$2
programs=$3


# shellcheck source=../../cache.sh
. "$here/../../cache.sh"

work=$(mktemp -d "${output%/}.work.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# All that the packages need, as if nothing were installed yet. Lists that are older than the
# archive name files that are gone; then the lists are read anew, once.
download() {
    apt-get -qq -y --no-install-recommends --download-only \
        -o Dir::State::status=/dev/null -o Dir::Cache::archives="$packages" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
        install $(cat "$here/packages.txt") >&2
}
mkdir -p "$packages/partial"
if ! download; then
    say "updating the package lists, and trying again"
    apt-get -qq update >&2
    download
fi

root=$work/root
mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
for package in "$packages"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
done

# shellcheck source=assemble.sh
. "$here/assemble.sh"
# shellcheck source=list.sh
. "$here/list.sh"
