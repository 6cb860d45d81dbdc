#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: nginx, Prometheus, Node, npm and ip from Debian, a Python environment of our own,
# and packages of npm.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v promtool >/dev/null || missing+=(prometheus)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v ip >/dev/null || [ -x /sbin/ip ] || missing+=(iproute2)
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "the tests need: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
npm=target/npm
[ -d "$npm/node_modules/semver" ] ||
    npm install --prefix "$npm" --no-audit --no-fund --silent ms@2.1.3 dayjs@1.11.13 semver@7.7.2 debug@4.4.1
venv=target/venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import componentize_py, ziglang, msgpack, zmq, wheel' 2>/dev/null ||
    "$venv/bin/pip" install -q componentize-py==0.25.1 ziglang==0.17.1 msgpack==1.2.4 pyzmq==27.3.0 wheel==0.45.1
