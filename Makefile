SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Tools that scripts/prepare brings, and where rustup puts cargo.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin

target := $(abspath $(or $(CARGO_TARGET_DIR),target))
arch := $(patsubst aarch64,arm64,$(shell uname -m))
package := dist/bootstrap-$(arch).zip

# What is shipped. Tests of everything drive it; by themselves they drive what cargo has built with them.
bootstrap := $(target)/release/bootstrap

# The folders and files of tests/ that need no server.
serverless := wire package rds_roots

# The reader in Rust is outside the workspace, and builds beside it.
reader := --manifest-path examples/key-ring/rust/Cargo.toml

say = @printf '\n== %s\n' "$(1)"

.PHONY: help demo quick test t soak iac build bench send lint fmt clean release readers

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | awk -F'|' '{printf "%-15s%s\n", $$1, $$2}'

demo: ## rotate a secret end to end on this machine and show it
	@scripts/prepare demo
	@$(MAKE) build
	$(call say,building the stage)
	@cargo build -p rehearsal --bin demo
	@"$(target)/debug/demo" "$(package)"

# After a change of one file, on two cores: clippy 7 s, building these tests 6 s, running them 15 s. What clippy has checked is
# of no use to who builds: so all of the workspace is checked, which finds what the tests would not compile for, and only
# the small test programs are built. Those that drive the function are the slow ones, to build and to run.
quick: ## half a minute after a change: format, clippy, and every test that needs no server
	@scripts/prepare test
	@cargo fmt --all --check
	@cargo clippy --quiet --workspace --all-targets -- -D warnings
	@cargo nextest run --profile quick --workspace --lib $(addprefix --test ,$(serverless)) --status-level fail

ifeq ($(strip $(T)),)
test iac: export KEYROLL_BOOTSTRAP := $(bootstrap)
test: export KEYROLL_READER := $(target)/debug/key-ring-reader
test: ## install what is missing and run every test, or with T="words" those with all of these words in their names
	@scripts/prepare test
	@$(MAKE) lint build readers
	$(call say,running the tests)
# Those that are ignored elsewhere measure the binary that is shipped.
	@cargo nextest run --workspace --run-ignored all
	@$(MAKE) iac
else
# Of names of programs nextest wants to have one that matches.
folders := $(notdir $(patsubst %/,%,$(dir $(wildcard tests/*/main.rs)))) $(basename $(notdir $(wildcard tests/*.rs)))

# A word may also be in the name of the folder: T="keys revoke". The function is the one that cargo builds with the tests.
test:
	@scripts/prepare test
	@cargo nextest run --workspace -E 'all() $(foreach word,$(T),and (test(~$(word))$(if $(findstring $(word),$(folders)), or binary(~$(word)))))'
endif

t: test ## short for test, with T="words"

soak: ## every test with its sweeps whole and more of the random ones, 90 minutes at most
	@scripts/prepare test
	@$(MAKE) build readers
	$(call say,running the tests with whole sweeps)
	@KEYROLL_SOAK=1 KEYROLL_BOOTSTRAP="$(bootstrap)" KEYROLL_READER="$(target)/debug/key-ring-reader" \
		timeout --foreground --signal=INT 90m cargo nextest run --profile soak --workspace --run-ignored all --no-fail-fast

iac: ## check template.yaml and terraform/: valid, the same function, no right too many
	$(call say,checking template.yaml and terraform/)
	@scripts/check-iac

build: release ## the function's package, dist/bootstrap-ARCH.zip
	@mkdir -p dist/package
	@cp "$(bootstrap)" dist/package/bootstrap
	@chmod 755 dist/package/bootstrap
# The same binary gives the same archive: one date for all, nothing of the machine, no folders.
	@TZ=UTC touch -t 198001010000 dist/package/bootstrap
	@rm -f "$(package)"
	@TZ=UTC zip -9 -X -j -q "$(package)" dist/package/bootstrap
	@rm -r dist/package
	@printf '%s: %s bytes, %s unpacked\n' "$(package)" "$$(stat -c %s "$(package)")" "$$(stat -c %s "$(bootstrap)")"

release:
	@scripts/prepare build
	$(call say,building the function (the first time takes some minutes))
	@cargo build --release --bin bootstrap

bench: ## the figures in docs/costs.md, again
	@scripts/prepare demo
	@$(MAKE) build
	$(call say,building the stage)
	@cargo build -p rehearsal --bin bench
	$(call say,measuring (half a minute))
	@"$(target)/debug/bench" "$(bootstrap)" "$(package)"

readers: ## the reader of key rings in Rust, for the tests
	$(call say,building the reader of key rings)
	@cargo build --locked $(reader) --target-dir "$(target)"

EVENTS ?= events/operator-DryRun.json

send: ## send EVENTS (files, in order) to the function on a private stage and show the answers
	@scripts/prepare test
	@$(MAKE) release
	@cargo build --quiet -p rehearsal --bin send
	@"$(target)/debug/send" "$(bootstrap)" $(EVENTS)

lint: ## formatting, clippy, documentation, and what the crates may be
	@scripts/prepare test
	$(call say,checking the format)
	@cargo fmt --all --check
	@cargo fmt $(reader) --check
	$(call say,clippy)
	@cargo clippy --workspace --all-targets -- -D warnings
	@cargo clippy --locked $(reader) --target-dir "$(target)" --all-targets -- -D warnings
	$(call say,documentation)
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items -p keyroll
	$(call say,licences and bans)
	@cargo deny --log-level error check licenses bans sources
	@if timeout 60 cargo deny --log-level off fetch db >/dev/null 2>&1; then \
		cargo deny --log-level error check --disable-fetch advisories; \
	else \
		echo "SKIP advisories: their database cannot be fetched from here"; \
	fi

fmt: ## format the sources
	@cargo fmt --all
	@cargo fmt $(reader)

clean: ## remove what was built and installed here
	@rm -rf dist .tools
	@cargo clean
