# What a person does with this repository. Every target first checks for what it
# needs, and installs it or says what is missing; `make` alone lists the targets.
#
#   ARGS              further arguments of demo, run and test, for example
#                     make run ARGS="--config my.toml"
#   CARGO_TARGET_DIR  where cargo builds, as always

CARGO ?= cargo
export CARGO
# A shell that was open before rustup came does not know its folder yet.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

.DEFAULT_GOAL := help
.PHONY: help demo run test check docs build ready

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ready ## build, then watch a pipeline run on an embedded broker; needs no Kafka
	$(CARGO) build
	@$(CARGO) run --quiet -- demo $(ARGS)

run: ready ## build, then run a node on functions/; ARGS="--help" tells how to name the brokers
	$(CARGO) build
	@$(CARGO) run --quiet -- run $(ARGS)

test: ready ## run all tests, on a real Kafka that is fetched and started for them
	@scripts/test $(ARGS)

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
