#!/bin/sh
# Builds the guests of the tests: build.sh OUTDIR makes OUTDIR/python.wasm, OUTDIR/js.wasm and the cases in both languages, in
# OUTDIR/../journeys, each only if something that it is made of has changed. PYTHON names a Python that has the packages below; default: python3.
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

# One hash of the names and contents of all that a component of these files is made of.
inputs() {
  (
    cd "$here/../.."
    find tests/guests/build.sh sdk/python wit "$@" -type f ! -path '*/__pycache__/*' ! -path 'sdk/python/tests/*' ! -name '*.md' |
      LC_ALL=C sort | while read -r file; do sha256 "$file"; done | sha256 | cut -d' ' -f1
  )
}

needs() {
  command -v "$PYTHON" >/dev/null || fail "there is no $PYTHON: set PYTHON to the python of a venv"
  "$PYTHON" -c 'import importlib.metadata as m, sys; n, v = sys.argv[1].split("=="); sys.exit(m.version(n) != v)' "$1" \
    2>/dev/null || fail "the guests need $1: run  $PYTHON -m pip install $componentize_py"
}

build_js() {
  mite=$here/../../target/release/mite
  [ -x "$mite" ] || fail "the guests need mite itself: run  make build"
  mkdir -p "$out/../journeys/js"
  "$mite" build "$here/js/journeys.js" -o "$out/js.wasm" >&2
  "$mite" build "$here/../../journeys/js/cases.js" -o "$out/../journeys/js/cases.wasm" >&2
}

# The component $2 of the source $1, by the Python SDK.
build_python() {
  needs "$componentize_py"
  PYTHONPATH=$here/../../sdk/python PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m mite.build "$1" -o "$2" --wit "$wit"
}

build_js # mite itself knows whether there is something to do
mkdir -p "$out/../journeys/python"
for guest in python cases; do
  case $guest in
    cases)
      source=journeys/python/cases.py
      made=$out/../journeys/python/cases.wasm
      ;;
    *)
      source=tests/guests/python/journeys.py
      made=$out/python.wasm
      ;;
  esac
  hash=$(inputs "$(dirname "$source")" journeys/hostile/hostile.py)
  if [ -f "$made" ] && [ "$(cat "$out/$guest.inputs" 2>/dev/null)" = "$hash" ]; then continue; fi
  echo "building $made" >&2
  rm -f "$out/$guest.inputs"
  build_python "$here/../../$source" "$made"
  echo "$hash" >"$out/$guest.inputs"
done
