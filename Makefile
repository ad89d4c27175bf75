# What a person does with this repository. Every target first checks for what it
# needs, and installs it or says what is missing; `make` alone lists the targets.
#
#   ARGS              further arguments of demo, run, test, bench, bench-quick and cold, for example
#                     make run ARGS="--config my.toml"
#   MINUTES, EVERY, SEED, GUARANTEE, ORDER, COMINGS, JSON
#                     what chaos does: for how long, how many seconds between two faults,
#                     which faults, what is promised (at-least-once, exactly-once), in which
#                     order (partition, key, none), how often nodes come and go, and to which
#                     file it adds a line of JSON for each run; for example
#                     make chaos MINUTES=10 SEED=7 GUARANTEE=exactly-once
#   CARGO_TARGET_DIR  where cargo builds, as always

CARGO ?= cargo
export CARGO
# A shell that was open before rustup came does not know its folder yet.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

.DEFAULT_GOAL := help
MINUTES ?= 2
EVERY ?= 2
GUARANTEE ?= at-least-once
ORDER ?= partition
COMINGS ?= 50
.PHONY: help demo run test chaos bench bench-quick cold check docs build ready

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ready ## build, then watch a pipeline run on an embedded broker; needs no Kafka
	$(CARGO) build
	@$(CARGO) run --quiet -- demo $(ARGS)

run: ready ## build, then run a node on functions/; ARGS="--help" tells how to name the brokers
	$(CARGO) build
	@$(CARGO) run --quiet -- run $(ARGS)

test: ready ## run all tests, on a real Kafka that is fetched and started for them
	@scripts/test $(ARGS)

chaos: ready ## break nodes, workers, broker and network on purpose, and check what is promised
	@EDDYLINE_CHAOS_MINUTES=$(MINUTES) EDDYLINE_CHAOS_SEED=$(SEED) EDDYLINE_CHAOS_GUARANTEE=$(GUARANTEE) \
	  EDDYLINE_CHAOS_ORDER=$(ORDER) EDDYLINE_CHAOS_COMINGS=$(COMINGS) EDDYLINE_CHAOS_EVERY=$(EVERY) \
	  EDDYLINE_CHAOS_JSON=$(abspath $(JSON)) EDDYLINE_TEST_PATIENCE=180 \
	  scripts/test --test it -- chaos:: --nocapture --test-threads=1

bench: ready ## measure speed beside floors and peers, on a quiet machine, and write docs/performance.md
	@scripts/bench --into docs $(ARGS)

bench-quick: ready ## measure what a record costs inside, a minute long, and complain where that is 10 % more than stored
	@$(CARGO) bench --profile $${CARGO_PROFILE:-dev} --bench micro -- $(or $(ARGS),--check)

cold: ready ## measure cold starts, memory of isolates and thousands of idle functions, and write docs/cold.md
	@scripts/cold --into docs $(ARGS)

check: ready ## check format, lints and, where cargo-deny is installed, the dependencies
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check licenses bans sources; \
	  else echo "eddyline: cargo-deny is missing, so dependencies are not checked; install with: cargo install cargo-deny"; fi

docs: ready ## write the generated pages of docs/ anew, and the documentation of the code
	$(CARGO) run -- docs --write docs
	$(CARGO) doc --no-deps

build: ready ## build the program
	$(CARGO) build

# What every build needs: the toolchain, what OpenSSL and librdkafka are compiled with, and V8.
ready:
	@scripts/need rust cc c++ cmake perl make xz
	@vendor/v8/install
