#!/usr/bin/env bash
# packages.sh DIRECTORY: the Python package as a wheel and the JavaScript one as a tarball, ready for their registries.
# `PYTHON` is an interpreter with setuptools and wheel.
set -euo pipefail
sdk=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
draft=$(mktemp -d)
trap 'rm -rf "$draft"' EXIT
# From a copy: building leaves things behind.
cp -rL "$sdk/python" "$draft/python"
"${PYTHON:-python3}" -m pip wheel -q --no-deps --no-build-isolation --no-cache-dir -w "$out" "$draft/python"
npm pack --silent --pack-destination "$out" "$sdk/js" >&2
ls "$out"
