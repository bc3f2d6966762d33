#!/usr/bin/env bash
# What the server does under load: requests a second, latency and CPU for each review, over TLS
# on loopback with HTTP/1.1 keep-alive, which is what the API server speaks to a Service.
# CONNECTIONS, SECONDS and PORT choose other figures; REVIEW is the file that is sent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

connections=${CONNECTIONS:-8}
duration=${SECONDS_OF_LOAD:-10}
port=${PORT:-18443}
review=${REVIEW:-benches/review.json}

for tool in cargo wrk curl; do
    command -v "$tool" >/dev/null || { echo "error: $tool not found: install it" >&2; exit 1; }
done
cargo build --quiet --release --locked --bin pillion

folder=$(mktemp -d)
target/release/pillion serve --listen "127.0.0.1:$port" --admin-listen "127.0.0.1:$((port + 1))" \
    --write-dev-ca "$folder/ca.crt" --drain-seconds 0 --log-level "${LOG:-info}" >"$folder/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

tries=100
until curl --silent --fail --output /dev/null "http://127.0.0.1:$((port + 1))/readyz"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { cat "$folder/log" >&2; echo "error: the server is not ready" >&2; exit 1; }
    sleep 0.1
done

cat >"$folder/post.lua" <<LUA
local file = assert(io.open("$review", "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
done = function(summary)
    io.write(string.format("reviews %d, not answered with 200: %d\n", summary.requests, summary.errors.status))
end
LUA

# Ticks of CPU in user and system mode; the name in field 2 may hold no spaces here.
cpu() { awk '{print $14 + $15}' "/proc/$server/stat"; }
load() { wrk --threads 1 --connections "$connections" --duration "$1s" --latency \
    --script "$folder/post.lua" "https://127.0.0.1:$port/mutate"; }

load 2 >/dev/null
before=$(cpu)
load "$duration" | tee "$folder/report"
after=$(cpu)
reviews=$(sed -n 's/^reviews \([0-9]*\),.*/\1/p' "$folder/report")
awk -v ticks="$((after - before))" -v hertz="$(getconf CLK_TCK)" -v reviews="$reviews" \
    'BEGIN {printf "CPU of the server for each review: %.1f µs\n", ticks / hertz / reviews * 1e6}'
grep VmRSS "/proc/$server/status"
