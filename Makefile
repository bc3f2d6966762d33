# The ways to run this project. Each needs only the tools that it names.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# One clear line for a tool that is missing.
need = @command -v $(1) >/dev/null || { echo 'error: $(1) not found: $(2)' >&2; exit 1; }
need_rust = $(call need,cargo,install Rust (https://rustup.rs); the toolchain itself is pinned in rust-toolchain.toml)
need_cc = $(call need,cc,install a C compiler (for example gcc or clang); the TLS library is built with it)
need_go = $(call need,go,install Go 1.26 or newer (https://go.dev/dl); a real kube-apiserver is built with it)

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the server on built-in templates, answer one review, serve until Ctrl-C
	$(need_rust)
	$(need_cc)
	@scripts/run.sh

.PHONY: install
install: export PREFIX ?= $(HOME)/.local
install: ## Build the program and install it with man pages and completions under PREFIX
	$(need_rust)
	$(need_cc)
	@scripts/install.sh

.PHONY: test
# The properties run the same cases each time; another seed tries others.
test: export PROPTEST_RNG_SEED ?= 20261121
test: ## Build a real control plane and helm (once), then run every test that needs no root
	$(need_rust)
	$(need_cc)
	$(need_go)
	@tests/workflows/check.sh
	@folder=$$(tests/control-plane/build.sh) && tools=$$(tests/chart/tools/build.sh) && \
		PILLION_CONTROL_PLANE="$$folder" PILLION_CHART_TOOLS="$$tools" cargo test --locked

.PHONY: test-long
# Other cases each time, unless a seed is given: that of a failure is in its output.
test-long: export PROPTEST_RNG_SEED ?= $(shell date +%s)
test-long: export PILLION_TEST_FACTOR ?= 10
# Values of each field that the API server looks at; all of them.
test-long: export PILLION_FIELD_VALUES ?= 100
# Seconds for each target of fuzz/; where it is empty, each has a number of inputs.
test-long: export PILLION_FUZZ_SECONDS ?= 15
# Seconds of mixed load with faults.
test-long: export PILLION_SOAK_SECONDS ?= 120
test-long: ## Try properties, hostile inputs and expressions with many more cases, and another seed each time
	$(need_rust)
	$(need_cc)
	$(need_go)
	@echo "PROPTEST_RNG_SEED=$$PROPTEST_RNG_SEED PILLION_TEST_FACTOR=$$PILLION_TEST_FACTOR \
		PILLION_FUZZ_SECONDS=$$PILLION_FUZZ_SECONDS" && \
		cargo test --locked --lib -- expression::tests::hostile tls::authority::rotation::model && \
		cargo test --locked --test offline -- properties:: fuzz:: server::soak && \
		PILLION_CONTROL_PLANE="$$(tests/control-plane/build.sh)" \
			PILLION_CHART_TOOLS="$$(tests/chart/tools/build.sh)" \
			cargo test --locked --test control_plane -- expressions:: pod_security::values yaml::

# The benches, in the order in which they run.
benches = engine allocations server $(notdir $(wildcard benches/api_server))

.PHONY: bench
bench: ## Measure everything and name what got worse; UPDATE=1 takes it, QUICK=1 only tries
	$(need_rust)
	$(need_cc)
	$(need_go)
	@folder=$$(tests/control-plane/build.sh) && export PILLION_CONTROL_PLANE="$$folder" && \
		rm -f "$${CARGO_TARGET_DIR:-target}"/bench$${QUICK:+/quick}/*.json && \
		for bench in $(benches) report; do \
			cargo bench --quiet --locked --bench $$bench || exit 1; \
		done

.PHONY: test-node
test-node: ## Build a real node (once), then run the tests that run injected pods on it; needs root
	$(need_rust)
	$(need_cc)
	$(need_go)
	@tests/cluster/test.sh

.PHONY: test-browser
test-browser: ## Test the playground in a headless Chromium (installed by apt where it is missing)
	$(need_rust)
	$(need_cc)
	@tests/browser/test.sh

.PHONY: docs
docs: ## Make the documentation site, target/docs/book, and follow every link in it
	$(need_rust)
	@scripts/docs.sh

.PHONY: demo
demo: ## Inject a Deployment's pod on a throw-away control plane and show the difference
	$(need_rust)
	$(need_cc)
	$(need_go)
	@folder=$$(tests/control-plane/build.sh) && cargo build --locked --bin pillion --example demo && \
		PILLION_CONTROL_PLANE="$$folder" cargo run --quiet --locked --example demo

.PHONY: manifests
manifests: ## Write the plain manifests of deploy/kustomize and certs from the chart
	$(need_go)
	@deploy/generate.sh

.PHONY: image
image: export IMAGE_LIMIT ?= 20971520
image: ## Build the container image as an OCI archive, target/pillion.tar, and check its size
	$(need_rust)
	$(need_cc)
	@deploy/image/build.sh target/pillion.tar
	@size=$$(stat -c %s target/pillion.tar); if [ "$$size" -gt "$$IMAGE_LIMIT" ]; then \
		echo "error: the image has $$size bytes, more than $$IMAGE_LIMIT" >&2; exit 1; \
	fi

.PHONY: control-plane
control-plane: ## Build the control plane alone and print its folder
	$(need_go)
	@tests/control-plane/build.sh

.PHONY: deny
deny: ## Check the dependencies' licences, sources, bans and advisories
	$(call need,cargo-deny,run cargo install cargo-deny --locked)
	@cargo deny --locked check
