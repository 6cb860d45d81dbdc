#!/usr/bin/env bash
# Speed, memory and accuracy, printed. `benches/run.sh` for everything, `benches/run.sh request` for one section,
# `benches/run.sh --help` for the rest. `MITE` names another program than target/release/mite.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p benches
exec "${CARGO_TARGET_DIR:-target}/release/bench" "$@"
