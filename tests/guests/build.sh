#!/bin/sh
# Builds the guests of the tests: build.sh OUTDIR makes OUTDIR/python.wasm and OUTDIR/js.wasm, and OUTDIR/../journeys/python/cases.wasm
# by the Python SDK, each only if something that it is made of has changed. PYTHON names a Python that has the packages below; default: python3.
set -eu

componentize_py=componentize-py==0.25.1
here=$(cd "$(dirname "$0")" && pwd)
wit=$here/../../wit

fail() {
  echo "build.sh: $*" >&2
  exit 1
}

[ $# = 1 ] || fail "usage: [PYTHON=venv/bin/python] build.sh OUTDIR"
mkdir -p "$1"
out=$(cd "$1" && pwd)

PYTHON=${PYTHON:-python3}
case $PYTHON in # cargo calls the compiler in other directories; a link must stay one, since it is what makes a venv
  */*)
    [ -x "$PYTHON" ] || fail "there is no $PYTHON: set PYTHON to the python of a venv"
    PYTHON=$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")
    ;;
esac
export PYTHON

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# One hash of the names and contents of all that the guest $1 is made of.
inputs() {
  (
    cd "$here"
    find build.sh "$1" ../../wit -type f ! -path '*/__pycache__/*' ! -path '*/target/*' | LC_ALL=C sort |
      while read -r file; do sha256 "$file"; done | sha256 | cut -d' ' -f1
  )
}

# The same of what the cases in Python are made of.
inputs_cases() {
  (
    cd "$here/../.."
    find sdk/python journeys/python wit -type f ! -path '*/__pycache__/*' ! -path '*/tests/*' ! -name '*.md' | LC_ALL=C sort |
      while read -r file; do sha256 "$file"; done | sha256 | cut -d' ' -f1
  )
}

current() {
  [ -f "$out/$1.wasm" ] && [ "$(cat "$out/$1.inputs" 2>/dev/null)" = "$2" ]
}

needs() {
  command -v "$PYTHON" >/dev/null || fail "there is no $PYTHON: set PYTHON to the python of a venv"
  "$PYTHON" -c 'import importlib.metadata as m, sys; n, v = sys.argv[1].split("=="); sys.exit(m.version(n) != v)' "$1" \
    2>/dev/null || fail "the guests need $1: run  $PYTHON -m pip install $componentize_py"
}

build_python() {
  needs "$componentize_py"
  # It compiles the modules into __pycache__ beside them, and would add the packages of an active venv.
  stage=$(mktemp -d "$out/python.XXXXXX")
  trap 'rm -rf "$stage"' EXIT
  cp "$here"/python/*.py "$stage"
  (
    unset VIRTUAL_ENV
    cd "$stage"
    "$PYTHON" -c 'import sys, componentize_py as c; sys.exit(c.script())' \
      -d "$wit" -w journey componentize -p . app -o guest.wasm
  )
  mv "$stage/guest.wasm" "$out/python.wasm"
}

build_js() {
  mite=$here/../../target/release/mite
  [ -x "$mite" ] || fail "the guests need mite itself: run  make build"
  mkdir -p "$out/../journeys/js"
  "$mite" build "$here/js/journeys.js" -o "$out/js.wasm" >&2
  "$mite" build "$here/../../journeys/js/cases.js" -o "$out/../journeys/js/cases.wasm" >&2
}

build_cases() {
  needs "$componentize_py"
  mkdir -p "$out/../journeys/python"
  PYTHONPATH=$here/../../sdk/python PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m mite.build "$here/../../journeys/python/cases.py" \
    -o "$out/cases.wasm" --wit "$wit"
  cp "$out/cases.wasm" "$out/../journeys/python/cases.wasm"
}

build_js # mite itself knows whether there is something to do
for guest in python cases; do
  case $guest in
    cases)
      hash=$(inputs_cases)
      [ -f "$out/../journeys/python/cases.wasm" ] || rm -f "$out/cases.inputs"
      ;;
    *) hash=$(inputs $guest) ;;
  esac
  if current $guest "$hash"; then continue; fi
  echo "building $out/$guest.wasm" >&2
  rm -f "$out/$guest.inputs"
  (build_$guest) # a shell of its own: what it exports and traps is its own
  echo "$hash" >"$out/$guest.inputs"
done
