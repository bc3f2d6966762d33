# What the scripts share that build the tests' programs: messages, and a cache folder outside
# the tree whose entries are named by the hash of what they are made from.

cache=${PILLION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pillion}

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}

# For a tool that cannot be had here: its status, EX_UNAVAILABLE of sysexits.h, tells it from a failure.
unavailable() {
    say "error: $*"
    exit 69
}

# The SHA-256 of a file, or of standard input where none is named.
sum_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$@"
    elif command -v shasum >/dev/null; then
        shasum -a 256 "$@"
    else
        fail "neither sha256sum nor shasum found: install coreutils or perl"
    fi
}

# One build at a time: the second run waits for the first one and then finds its result.
# The lock belongs to the open file and so ends with this process, however it ends.
lock() {
    if command -v flock >/dev/null; then
        exec 9>"$1"
        flock --nonblock 9 || {
            say "waiting for another build that holds $1"
            flock 9
        }
    else
        say "note: flock not found, so two builds at the same time are not kept apart"
    fi
}
