#!/bin/sh
# Builds the engines of JavaScript: build.sh OUT makes OUT (a .wasm), that of journeys, and beside it processors.wasm, only if something
# that they are made of has changed. PYTHON names a Python that has the package ziglang, the C compiler of QuickJS; one is made beside OUT where it
# hasn't.
set -eu

ziglang=ziglang==0.17.1
here=$(cd "$(dirname "$0")" && pwd)

fail() {
  echo "build.sh: $*" >&2
  exit 1
}
[ $# = 1 ] || fail "usage: [PYTHON=venv/bin/python] build.sh OUT"
mkdir -p "$(dirname "$1")"
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
target=${MITE_JS_TARGET:-$here/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}
hash=$(
  cd "$here"
  find . ../src ../../../wit ../../rust/processor/src -type f ! -path './target/*' ! -path './built/*' | LC_ALL=C sort |
    while read -r file; do sha256 "$file"; done | sha256 | cut -d' ' -f1
)
processors=$(dirname "$out")/processors.wasm
if [ -f "$out" ] && [ -f "$processors" ] && [ "$(cat "$out.inputs" 2>/dev/null)" = "$hash" ]; then exit 0; fi
echo "building $out" >&2

command -v cargo >/dev/null || fail "the engine needs cargo: see https://rustup.rs"
PYTHON=${PYTHON:-python3}
case $PYTHON in # cargo calls the compiler in other directories; a link must stay one, since it is what makes a venv
  */*) if [ -x "$PYTHON" ]; then PYTHON=$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON"); else PYTHON=python3; fi ;;
esac
if ! "$PYTHON" -c 'import ziglang' 2>/dev/null; then
  [ -x "$target/venv/bin/python" ] || python3 -m venv "$target/venv" || fail "the engine needs Python 3 with venv, for its C compiler"
  PYTHON=$target/venv/bin/python
  "$PYTHON" -c 'import ziglang' 2>/dev/null || "$PYTHON" -m pip install -q "$ziglang"
fi
export PYTHON

cd "$here" # so that rustup takes the toolchain of this repository
[ -d "$(rustc --print target-libdir --target wasm32-wasip2)" ] ||
  fail "the engine needs a Rust target: run  rustup target add wasm32-wasip2"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS # those of the host's build don't fit
unset CARGO_PROFILE_RELEASE_LTO CARGO_PROFILE_RELEASE_CODEGEN_UNITS CARGO_INCREMENTAL
# cargo knows nothing of the C that is added to QuickJS, but it looks at the flags.
export CFLAGS_wasm32_wasip2="-DMITE_C=$(cat zcc quickjs/* | sha256 | cut -c1-16)"
export RQUICKJS_SYS_NO_WASI_SDK=1 CC_wasm32_wasip2="$here/zcc" AR_wasm32_wasip2="$here/zar"
export ZIG_GLOBAL_CACHE_DIR="$target/zig" ZIG_LOCAL_CACHE_DIR="$target/zig"
build() { # FILE CARGO'S WORDS...
  file=$1
  shift
  cargo build --locked --release --target wasm32-wasip2 --target-dir "$target" "$@"
  # A copy first and then a rename: whoever reads it has a whole one.
  cp "$target/wasm32-wasip2/release/mite_js_engine.wasm" "$file.$$"
  mv "$file.$$" "$file"
}
build "$processors" --features processors
build "$out"
echo "$hash" >"$out.inputs"
