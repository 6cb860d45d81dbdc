#!/usr/bin/env bash
# Starts the practice server, puts load on it for ten seconds and stops everything again.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
target/release/mite playground --address 127.0.0.1:0 --shop-delay 10 >"$log" &
playground=$!
trap 'kill "$playground" 2>/dev/null || true; wait "$playground" 2>/dev/null || true; rm -f "$log"' EXIT
for _ in $(seq 100); do
    url=$(sed -n 's/^playground: listening on //p' "$log")
    [ -n "$url" ] && break
    sleep 0.05
done
[ -n "$url" ] || { echo "the practice server did not start" >&2; exit 1; }
echo "A practice server listens on $url: a small shop. 20 users walk through it, after a ramp of 5 s for 5 s."
echo "  mite scenario test shop:shop --add-to-config=url:$url --add-to-config=seconds:5"
target/release/mite scenario test shop:shop --add-to-config="url:$url" --add-to-config=seconds:5
