#!/usr/bin/env bash
# Lets a program answer reviews as a cluster sends them, so that it can be counted what of it runs:
# workloads with some replicas each, pods that ask for one template and for three, pods that are
# refused, and pods that ask for nothing; over HTTP/1.1 and over HTTP/2.
#
#   deploy/image/train.sh PROGRAM
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$1
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# Nothing of this shell's settings is the program's.
env -i "$program" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --drain-seconds 0 \
    --log-format json 2>"$work/log" &
server=$!
address=
for _ in $(seq 600); do
    address=$(sed -n 's/.*"webhook":"\([^"]*\)".*/\1/p' "$work/log")
    [ -z "$address" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
[ -n "$address" ] || {
    cat "$work/log" >&2
    exit 1
}

# Each review in a file of its own, and what tells curl to send them one after another.
awk -v folder="$work" -v url="https://$address/mutate?timeout=10s" -v reviews=4000 -v replicas=4 '
{
    one = "\"pillion.dev/inject\":\"pgbouncer\""
    three = "\"pillion.dev/inject\":\"pgbouncer,log-shipper,wait-for\",\"wait-for.pillion.dev/targets\":\"db.example.com:5432\""
    for (number = 0; number < reviews; number++) {
        workload = int(number / replicas)
        review = $0
        gsub(/7c9d8b6f4d/, sprintf("%010x", workload), review)
        sub(/0b2e7f6a/, sprintf("%08x", number), review)
        if (workload % 10 == 7) sub(one, three, review)
        if (workload % 10 == 8) sub(one ",", "", review)
        if (workload % 10 == 9) sub(/db\.example\.com/, "no host", review)
        file = folder "/" number ".json"
        print review >file
        close(file)
        printf "%surl = \"%s\"\nVERSION\ndata-binary = \"@%s\"\nheader = \"Content-Type: application/json\"\noutput = \"/dev/null\"\ninsecure\nsilent\nshow-error\nfail\n", (number ? "next\n" : ""), url, file >(folder "/reviews")
    }
}' "$root/benches/engine/review.json"
# Not by a proxy, and not on where one is not answered.
for version in http1.1 http2; do
    sed "s/^VERSION$/$version/" "$work/reviews" >"$work/$version"
    env -i "PATH=$PATH" curl -q --fail-early --config "$work/$version"
done
kill "$server"
wait "$server"
server=
decisions=$(grep -c '"message":"decision"' "$work/log" || true)
printf 'trained with reviews, of which %s changed a pod or refused it\n' "$decisions" >&2
[ "$decisions" -gt 5000 ]
