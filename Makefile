# What people, the README and CI call.

SHELL := /bin/bash
CARGO ?= cargo
JOURNEYS := target/journeys
PYTHON ?= target/venv/bin/python

.PHONY: help build engine journeys guests demo test parts packages interop lint fmt deny bench clean

# To link the program as one whole takes a fifth off the CPU of a request and six minutes of a core. What should be seen soon goes without.
QUICK := demo test interop lint
$(QUICK): export CARGO_PROFILE_RELEASE_LTO = off
$(QUICK): export CARGO_PROFILE_RELEASE_CODEGEN_UNITS = 16

help: ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: engine journeys ## target/release/mite, as fast as it can be, and target/journeys/*.wasm

engine: js-engine program

.PHONY: program
program:
	$(CARGO) build --release -p mite
	@target/release/mite carry target/release/mite

.PHONY: js-engine
js-engine: target-wasm # what runs JavaScript; it becomes part of the program
	MITE_JS_TARGET=$(CURDIR)/target/js-engine PYTHON=$(CURDIR)/$(PYTHON) sdk/js/engine/build.sh sdk/js/engine/built/engine.wasm

journeys: target-wasm
	$(CARGO) build --profile guest --target wasm32-wasip2 -p cases -p load -p shop -p example -p hostile -p hostile-calls -p probe -p processors -p hostile-processors
	@mkdir -p $(JOURNEYS)/mite $(JOURNEYS)/my/custom $(JOURNEYS)/rust
	@cp target/wasm32-wasip2/guest/cases.wasm $(JOURNEYS)/rust/cases.wasm
	@cp $(foreach guest,load shop hostile hostile_calls probe processors hostile_processors,target/wasm32-wasip2/guest/$(guest).wasm) $(JOURNEYS)/
	@cp target/wasm32-wasip2/guest/example.wasm $(JOURNEYS)/mite/example.wasm
	@cp target/wasm32-wasip2/guest/processors.wasm $(JOURNEYS)/my/custom/processors.wasm

.PHONY: target-wasm
target-wasm:
	@rustup target list --installed | grep -qx wasm32-wasip2 || rustup target add wasm32-wasip2

demo: program journeys ## Ten seconds of load on the built-in practice server
	@tests/demo.sh

parts: ## What the tests need: Debian packages, a Python environment, guests
	tests/parts.sh

guests: ## The guests of the tests in Python and JavaScript
	PYTHON=$(CURDIR)/$(PYTHON) tests/guests/build.sh $(CURDIR)/target/guests

test: parts build guests ## All tests
	$(CARGO) test --release --workspace

packages: parts ## The SDKs for PyPI and npm, in target/packages
	PYTHON=$(PYTHON) sdk/packages.sh target/packages

interop: build ## Live pipelines with each component replaced by Python mite's, and the other way round
	python3 tests/interop/run.py

lint: fmt ## Formatting and clippy
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all --check

deny: ## Licences, bans and sources of dependencies
	$(CARGO) deny --all-features check bans licenses sources

bench: build ## Speed, memory and accuracy, printed
	benches/run.sh

clean:
	$(CARGO) clean
