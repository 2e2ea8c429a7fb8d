# Padgate: everything that one does with a clone of it. `make help` lists it.

CARGO ?= cargo
PREFIX ?= $(HOME)/.local
DESTDIR ?=
# Seconds for each fuzz target.
SECONDS_EACH ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-alsa fuzz bench lint docs install uninstall clean

help: ## list what make can do
	@printf 'make TARGET, where TARGET is one of:\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nWhat a target needs is installed if it is missing: with apt, and with sudo where needed.\n'

setup: ## install what is missing to build Padgate and to run its tests
	@tests/setup build test alsa fuzz
	@echo 'setup: everything is there'

demo: ## build Padgate, play a short performance through it, and show what it did
	@tests/setup build
	$(CARGO) build --release -p padgated -p padgate -p padgate-plugin-host -p padgate-tests --bin padgated --bin padgate \
		--bin padgate-plugin-host --bin demo
	plugins/stage release target/release/plugins
	@target/release/demo

run: ## build Padgate and start the daemon for everyday use, with your own configuration
	@tests/setup build
	$(CARGO) build --release -p padgated -p padgate -p padgate-plugin-host
	plugins/stage release target/release/plugins
	target/release/padgated

test: ## run all tests that this machine can run
	@tests/setup build test
	$(CARGO) build -p padgated -p padgate -p padgate-plugin-host --bins
	plugins/stage debug target/debug/plugins
	$(CARGO) test --workspace --no-fail-fast

test-alsa: ## run the tests on the real ALSA sequencer, in a virtual machine
	@tests/setup build alsa
	$(CARGO) build -p padgated -p padgate -p padgate-plugin-host --bins
	plugins/stage debug target/debug/plugins
	tests/alsa-vm/test

fuzz: ## run each fuzz target for a minute (SECONDS_EACH=60)
	@tests/setup build fuzz
	tests/fuzz/run --seconds $(SECONDS_EACH)

bench: ## measure decisions, MIDI to MIDI, plugins, reloading, idling and memory
	@tests/setup build alsa
	$(CARGO) bench --quiet -p padgate-core --bench decide
	$(CARGO) build --release -p padgated -p padgate -p padgate-plugin-host -p padgate-tests --bins
	$(CARGO) build --release -p padgate-plugin-host --example in_process
	plugins/stage release target/release/plugins
	target/release/bench

lint: ## check formatting, clippy and the documentation's links
	@tests/setup build
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --quiet

docs: ## build the book (needs mdbook) and the crates' documentation
	@if command -v mdbook >/dev/null; then mdbook build docs; \
	else echo 'docs: mdbook is missing, so the book is not built: cargo install mdbook'; fi
	$(CARGO) doc --workspace --no-deps

install: ## build Padgate and install it under PREFIX (~/.local)
	@tests/setup build
	$(CARGO) build --release -p padgated -p padgate -p padgate-plugin-host
	install -D -m 755 target/release/padgated $(DESTDIR)$(PREFIX)/bin/padgated
	install -D -m 755 target/release/padgate $(DESTDIR)$(PREFIX)/bin/padgate
	install -D -m 755 target/release/padgate-plugin-host $(DESTDIR)$(PREFIX)/bin/padgate-plugin-host
	plugins/stage release $(DESTDIR)$(PREFIX)/lib/padgate/plugins
	@echo 'install: done; `padgate service install` starts Padgate with your session'

uninstall: ## remove what install installed
	rm -f $(DESTDIR)$(PREFIX)/bin/padgated $(DESTDIR)$(PREFIX)/bin/padgate $(DESTDIR)$(PREFIX)/bin/padgate-plugin-host
	rm -rf $(DESTDIR)$(PREFIX)/lib/padgate

clean: ## remove what was built
	$(CARGO) clean
	rm -rf tests/fuzz/target docs/book
