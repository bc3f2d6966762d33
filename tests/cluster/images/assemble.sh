# Makes container images out of files, for a machine that can pull none: OCI image layouts
# with one layer each, as one archive that `ctr images import` reads. Read by build.sh, which
# sets $root (where the Debian packages are unpacked), $programs and $output.
#
#   begin                     start an empty file system
#   program SOURCE [TARGET]   a program of a package, with the libraries that it is linked to
#   copy_program FILE TARGET  the same for a program from elsewhere
#   tree PATH...              files and folders of the packages, at the same path
#   text TARGET               a file from standard input; `script TARGET` makes it executable
#   image NAME [JSON]         end: an image of that name; JSON is its OCI runtime configuration
#
# The archive itself is made as that of Pillion's own image is.
# shellcheck source=../../../deploy/image/archive.sh
. "$here/../../../deploy/image/archive.sh"

libraries=/usr/lib/x86_64-linux-gnu

begin() {
    stage=$(mktemp -d "$work/image.XXXXXX")
    chmod 755 "$stage"
    # Folders as Debian lays them out, so that paths of packages hold unchanged.
    mkdir -p "$stage"/usr/{bin,sbin,lib,lib64,local/bin} "$stage"/{etc,proc,sys,dev,var,run,tmp}
    local name
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$stage/$name"; done
    chmod 1777 "$stage/tmp"
    # PostgreSQL asks for the name of its user; 70 is its number in many images.
    cat >"$stage/etc/passwd" <<'USERS'
root:x:0:0:root:/:/bin/sh
postgres:x:70:70:postgres:/:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
USERS
    cat >"$stage/etc/group" <<'GROUPS'
root:x:0:
postgres:x:70:
nogroup:x:65534:
GROUPS
}

# The libraries of a program, as the packages' own loader finds them.
closure() {
    "$root$libraries/ld-linux-x86-64.so.2" \
        --library-path "$root$libraries:$root/usr/lib/jvm/java-17-openjdk-amd64/lib/server" \
        --list "$1" | sed -n "s|^.*=> $root\(/[^ ]*\) .*|\1|p"
}

copy() {
    mkdir -p "$stage$(dirname "$2")"
    cp -L --preserve=mode "$root$1" "$stage$2"
}

program() {
    copy "$1" "${2:-$1}"
    libraries_of "$root$1"
}

copy_program() {
    mkdir -p "$stage$(dirname "$2")"
    cp --preserve=mode "$1" "$stage$2"
    libraries_of "$1"
}

libraries_of() {
    local library
    closure "$1" | while read -r library; do
        [ -e "$stage$library" ] || copy "$library" "$library"
    done
    if [ ! -e "$stage/usr/lib64/ld-linux-x86-64.so.2" ]; then
        copy "$libraries/ld-linux-x86-64.so.2" /usr/lib64/ld-linux-x86-64.so.2
    fi
}

tree() {
    local path
    for path in "$@"; do
        mkdir -p "$stage$(dirname "$path")"
        cp -a "$root$path" "$stage$(dirname "$path")/"
    done
}

text() {
    mkdir -p "$stage$(dirname "$1")"
    cat >"$stage$1"
}

script() {
    text "$1"
    chmod 755 "$stage$1"
}

# BusyBox under the name of every command that it has.
busybox() {
    program /usr/bin/busybox
    local applet
    "$root$libraries/ld-linux-x86-64.so.2" --library-path "$root$libraries" \
        "$root/usr/bin/busybox" --list | while read -r applet; do
        [ -e "$stage/usr/bin/$applet" ] || ln -s busybox "$stage/usr/bin/$applet"
    done
}

image() {
    local name=$1 runtime=${2:-'{}'}
    archive "$stage" "$name" "$runtime" "$output/$(tr -c 'a-zA-Z0-9.\n' - <<<"$name").tar"
    rm -rf "$stage"
}
