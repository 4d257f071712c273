# One profile and one target folder: what demo, tests and lint build is built once.
.DEFAULT_GOAL := help
.PHONY: help demo test coverage sim fuzz mutants kill million bench lint

CARGO ?= cargo

# Where cargo puts what it builds, whatever the environment or cargo's configuration says.
target_folder = $(shell $(CARGO) metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')

# All but what other queues are measured with: their crates are nobody's dependency but the bench's.
tested = --workspace --exclude trueup-bench

# What tests need: themselves, the programs, and the one example that a test runs.
built = --bins --tests --example embedded

# The tests of the whole program that run again with its jobs in Redis: all that jobs do to runs, and runs to jobs.
on_redis = binary(whole) & test(/^(lifecycle|touches|incremental|approval)::/)

# With COVERAGE=1 the workspace's crates count which of their lines run. A build of its own, in the same folder.
ifdef COVERAGE
export RUSTC_WORKSPACE_WRAPPER := $(CURDIR)/scripts/instrumented
export LLVM_PROFILE_FILE = $(target_folder)/coverage/%8m.profraw
# What `make coverage` has built does every job: other flags would choose other features of dependencies, and build again.
demo_needs = $(tested) $(built)
sim_needs = $(tested) $(built)
else
demo_needs = --bin trueup
sim_needs = $(tested) --bins
endif

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

demo: ## The whole job on a throwaway database and a local chain; KEEP=1 stays up for exploring
	scripts/ensure-postgres
	$(CARGO) build --release --locked $(demo_needs)
	$(target_folder)/release/trueup demo$(if $(KEEP), --keep)

test: ## Every test, on servers of its own
	scripts/ensure-postgres
	scripts/ensure-redis
	scripts/ensure-nextest
	$(CARGO) build --release --locked $(tested) $(built)
	@if scripts/node-is-there; then without=''; else \
	    echo 'SKIPPED: the conformance test of the JavaScript SDK, because there is no Node.js 20 or newer with npm.'; \
	    without='not test(/^sdk::/)'; fi; \
	set -x; $(target_folder)/release/trueup-sandbox $(CARGO) nextest run --release --locked $(tested) $(built) $${without:+-E "$$without"}
	TRUEUP_TEST_QUEUE=redis $(target_folder)/release/trueup-sandbox $(CARGO) nextest run --release --locked $(tested) $(built) -E '$(on_redis)'
	$(CARGO) test --release --locked $(tested) --doc -q

# The least share of lines that tests have to run, in each of the crates that decide and write.
MINIMUM_PERCENT ?= 90

coverage: ## Every test, and which share of the lines they run; fails below $(MINIMUM_PERCENT) %
	scripts/ensure-cov
	rm -rf $(target_folder)/coverage
	$(MAKE) --no-print-directory test COVERAGE=1
	@COVERAGE=1 RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/scripts/instrumented scripts/coverage $(target_folder) $(MINIMUM_PERCENT)

sim: ## Whole deployments under faults; SEEDS=n plays n, SEED=x one again, QUEUE=redis on Redis only (docs/simulator.md)
	scripts/ensure-postgres
	scripts/ensure-redis
	scripts/ensure-faketime
	$(CARGO) build --release --locked $(sim_needs)
	$(target_folder)/release/trueup-sim$(if $(SEED), --seed $(SEED))$(if $(SEEDS), --seeds $(SEEDS))$(if $(FIRST_SEED), --first $(FIRST_SEED))$(if $(QUEUE), --queue $(QUEUE))

fuzz: ## Random input to the parsers, on a nightly toolchain; SECONDS=n for each target
	scripts/fuzz $(or $(SECONDS),60) $(target_folder)/fuzz-corpus

mutants: ## Whether a test notices when the code that decides is changed; FILE=x changes one file
	scripts/mutants $(target_folder) $(FILE)

kill: ## Every process killed, frozen and replaced, at default settings too: takes minutes, and tells how long jobs waited
	scripts/ensure-postgres
	scripts/ensure-redis
	$(CARGO) build --release --locked $(tested) --bins --tests
	$(target_folder)/release/trueup-sandbox $(CARGO) test --release --locked $(tested) --test whole -- kill:: --include-ignored --nocapture --test-threads 2

million: ## A run of N entities (a million), RUNS times (once), DRIFT_PERCENT of them (1) drifted: time, memory, sizes of tables
	scripts/ensure-postgres
	$(CARGO) build --release --locked $(tested) --bins --tests
	ENTITIES=$(or $(N),1000000) RUNS=$(or $(RUNS),1) DRIFT_PERCENT=$(or $(DRIFT_PERCENT),1) $(target_folder)/release/trueup-sandbox \
	    $(CARGO) test --release --locked $(tested) --test whole -- scale::million:: --nocapture

bench: ## Measure, and print the tables of docs/performance.md; BENCH=queue,job picks parts, RUNS=n repeats, SMALL=1 is short
	scripts/ensure-postgres
	scripts/ensure-redis
	$(CARGO) build --release --locked -p trueup --bin trueup -p trueup-bench --bin trueup-bench
	$(target_folder)/release/trueup-bench run$(if $(BENCH), --only $(BENCH))$(if $(RUNS), --runs $(RUNS))$(if $(SMALL), --small)$(if $(CONTESTANT), --contestant "$(CONTESTANT)")

lint: ## Format, clippy, what the documentation names, and the licences and sources of dependencies
	$(CARGO) fmt --all --check
	scripts/check-docs
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then set -x; $(CARGO) deny --locked check --hide-inclusion-graph licenses bans sources; \
	else echo 'SKIPPED: the check of licences and sources, because cargo-deny is not installed: scripts/ensure-deny installs it.'; fi
