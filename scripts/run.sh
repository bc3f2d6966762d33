#!/usr/bin/env bash
# Starts the server with nothing prepared, sends it one real AdmissionReview and shows the
# answer. Serves until Ctrl-C, or ends at once with RUN_ONCE=1.
# LISTEN and ADMIN_LISTEN choose other addresses, for example where another program has these ports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

listen=${LISTEN:-127.0.0.1:8443}
admin=${ADMIN_LISTEN:-127.0.0.1:8080}
review=examples/review.json

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
title() {
    if [ -t 1 ]; then
        printf '\n\033[1m%s\033[0m\n' "$*"
    else
        printf '\n%s\n' "$*"
    fi
}

# Whether the server itself says that it listens: another program on these ports could answer too.
listens() {
    grep -q ': listening ' "$log"
}

pretty() {
    if command -v jq >/dev/null; then
        jq .
    elif command -v python3 >/dev/null; then
        python3 -m json.tool
    else
        # Not a JSON printer: one operation per line is enough to read a patch.
        sed 's/},{"op"/},\n{"op"/g'
        echo
    fi
}

command -v cargo >/dev/null || fail "cargo not found: install Rust (https://rustup.rs)"
command -v base64 >/dev/null || fail "base64 not found: install coreutils"

# With the example the dependencies have the features that `make test` and `make demo` give them as well, so that
# all is built only once.
title "building (some minutes the first time)"
# Cargo says where the program is, wherever the target folder may be.
pillion=$(cargo build --locked --bin pillion --example demo --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\/pillion\)".*/\1/p' | tail -n 1)
[ -x "$pillion" ] || fail "cargo built no program"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ca=$folder/ca.crt
title "pillion serve --listen $listen --admin-listen $admin --write-dev-ca $ca"
log=$folder/serve.log
: >"$log"
# Its log goes to the screen too.
"$pillion" serve --listen "$listen" --admin-listen "$admin" --write-dev-ca "$ca" \
    --drain-seconds 0 --log-format text > >(tee -ia "$log" >&2) 2>&1 &
server=$!
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
# A terminal sends Ctrl-C to the server as well, and a second signal would cut its ending short.
trap 'wait "$server" || true; trap - EXIT; rm -rf "$folder"; exit 0' INT
trap 'exit 143' TERM

tries=100
until listens; do
    if ! kill -0 "$server" 2>/dev/null; then
        # tee may still have the last line.
        sleep 0.2
        if grep -qi 'address already in use' "$log"; then
            fail "another program has $listen or $admin: end it, or choose other addresses, such as" \
                "LISTEN=127.0.0.1:9443 ADMIN_LISTEN=127.0.0.1:9080 make run"
        fi
        fail "the server ended, see its message above"
    fi
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "the server does not listen after 10 s, see its messages above"
    sleep 0.1
done

if command -v curl >/dev/null; then
    title "POST https://$listen/mutate < $review: a pod that asks for pgbouncer; the answer"
    # The server has just made itself a certificate, and an authority that vouches for it.
    answer=$(curl --silent --show-error --fail-with-body --cacert "$ca" \
        --header 'Content-Type: application/json' --data @"$review" "https://$listen/mutate")
else
    title "pillion review < $review (curl not found: the same answer without the network)"
    answer=$("$pillion" review <"$review")
fi
# The patch follows in full, decoded.
printf '%s\n' "$answer" | pretty | sed -E 's/("patch": *"[^"]{60})[^"]*"/\1..."/'

patch=$(sed -n 's/.*"patch": *"\([^"]*\)".*/\1/p' <<<"$answer")
[ -n "$patch" ] || fail "the answer holds no patch"
title "its patch, decoded"
base64 -d <<<"$patch" | pretty

if [ "${RUN_ONCE:-}" = 1 ]; then
    title "done; without RUN_ONCE=1 the server stays and takes more"
    exit 0
fi
title "serving until Ctrl-C; send more from another terminal"
cat <<TEXT
  curl --cacert $ca -H 'Content-Type: application/json' --data @$PWD/$review https://$listen/mutate
  curl http://$admin/metrics
  curl http://$admin/readyz
TEXT
wait "$server"
