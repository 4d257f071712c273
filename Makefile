# One profile and one target folder: what demo, tests and lint build is built once.
.DEFAULT_GOAL := help
.PHONY: help demo test lint

CARGO ?= cargo

# Where cargo puts what it builds, whatever the environment or cargo's configuration says.
target_folder = $(shell $(CARGO) metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-6s %s\n' "$$name" "$$text"; done

demo: ## The whole job on a throwaway database and a local chain; KEEP=1 stays up for exploring
	scripts/ensure-postgres
	$(CARGO) build --release --locked --bin trueup
	$(target_folder)/release/trueup demo$(if $(KEEP), --keep)

test: ## Every test, on servers of its own
	scripts/ensure-postgres
	scripts/ensure-nextest
	$(CARGO) build --release --locked --workspace --bins --tests
	@if scripts/node-is-there; then without=''; else \
	    echo 'SKIPPED: the conformance test of the JavaScript SDK, because there is no Node.js 20 or newer with npm.'; \
	    without='not test(/^sdk::/)'; fi; \
	set -x; $(target_folder)/release/trueup-sandbox $(CARGO) nextest run --release --locked --workspace $${without:+-E "$$without"}
	$(CARGO) test --release --locked --workspace --doc -q

lint: ## Format, clippy, what the documentation names, and the licences and sources of dependencies
	$(CARGO) fmt --all --check
	scripts/check-docs
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then set -x; $(CARGO) deny --locked check --hide-inclusion-graph licenses bans sources; \
	else echo 'SKIPPED: the check of licences and sources, because cargo-deny is not installed: scripts/ensure-deny installs it.'; fi
