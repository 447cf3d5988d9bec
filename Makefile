# `make` lists the targets. What takes long to build is kept in the cache folder, outside the work tree.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO := cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PROGRAMS := $(TARGET)/debug
CACHE := $(or $(XOS_CACHE_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/xos-controller)
DENY_VERSION := 0.20.2
DENY := $(CACHE)/cargo-deny/$(DENY_VERSION)/bin/cargo-deny
MDBOOK_VERSION := 0.5.4
MDBOOK := $(CACHE)/mdbook/$(MDBOOK_VERSION)/bin/mdbook
# PROFILE=dev makes images of the programs for tests, which are built anyway.
PROFILE := release
IMAGE := $(if $(filter dev,$(PROFILE)),image-dev,image)
IMAGES := $(addprefix $(TARGET)/$(IMAGE)/,xos-controller.tar xos-example.tar)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: prerequisites ## build the programs for production, in target/release
	$(CARGO) build --workspace --bins --release

.PHONY: demo
demo: prerequisites programs control-plane ## show the example on its own control plane (KEEP=1 keeps it running)
	$(PROGRAMS)/xos-demo $(if $(filter-out 0,$(KEEP)),--keep)

.PHONY: demo-helm
demo-helm: image programs control-plane ## show the Helm chart on a node of its own (needs root)
	@$(PROGRAMS)/xos-cluster tools --node > /dev/null
	$(PROGRAMS)/xos-demo-helm $(foreach image,$(IMAGES),--image $(image))

.PHONY: demo-yaml
demo-yaml: prerequisites programs control-plane ## show a service that is a folder of YAML files
	$(PROGRAMS)/xos-demo-yaml

.PHONY: demo-xos
demo-xos: prerequisites programs control-plane ## show the original XOS client and kubectl at work on the same objects
	@e2e/xos/original --prepare
	$(PROGRAMS)/xos-demo-xos

# Each line runs make again, so that the order is the same with -j.
.PHONY: test
test: prerequisites ## check everything: fmt, lint, docs, deny, then all tests
	@$(MAKE) --no-print-directory fmt
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory without-kafka
	@$(MAKE) --no-print-directory docs
	@$(MAKE) --no-print-directory deny
	@$(MAKE) --no-print-directory programs
	@$(MAKE) --no-print-directory control-plane
	@$(MAKE) --no-print-directory $(NODE_OR_NOT)

# A node needs root.
NODE_OR_NOT := $(if $(filter 0,$(shell id -u)),test-all,test-without-node)

.PHONY: test-all
test-all: node-prerequisites programs
	@$(PROGRAMS)/xos-cluster tools --node > /dev/null
	$(CARGO) test --workspace

TESTS_ON_SERVERS := --test bus --test chart --test e2e --test scenarios

.PHONY: test-without-node
test-without-node:
	@echo "the tests of a node need root, and are left out"
	$(CARGO) test --workspace --exclude xos-e2e
	$(CARGO) test --workspace $(TESTS_ON_SERVERS)

.PHONY: fmt
fmt: ## check the format
	$(CARGO) fmt --all --check

.PHONY: lint
lint: ## clippy, with warnings as errors
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# What a program without Kafka must not need: librdkafka, OpenSSL, and what only they bring.
KAFKA_ONLY := rdkafka|rdkafka-sys|openssl|openssl-sys|libz-sys|zstd-sys|cmake

.PHONY: without-kafka
without-kafka: ## check that the program builds without the feature `kafka`, and has nothing of it
	$(CARGO) clippy --package xos-controller --package xos-runtime --package xos-bus --no-default-features --features xos-controller/framework -- -D warnings
	@! $(CARGO) tree --package xos-controller --no-default-features --features framework --edges normal,build --prefix none \
		| grep -E '^($(KAFKA_ONLY)) '
	$(CARGO) test --package xos-runtime --no-default-features --lib io_steps

.PHONY: docs
docs: ## build the crates' documentation, in target/doc, with warnings as errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

.PHONY: deny
deny: $(DENY) ## check licences, sources and versions of the dependencies
	$(DENY) check bans licenses sources

.PHONY: book
book: $(MDBOOK) ## make a book of docs/, in target/book
	$(MDBOOK) build docs --dest-dir $(abspath $(TARGET))/book

.PHONY: unit
unit: ## run the tests that need no control plane
	$(CARGO) test --workspace --exclude xos-e2e

.PHONY: e2e
e2e: prerequisites programs control-plane ## run the tests on a real control plane
	$(CARGO) test --workspace $(TESTS_ON_SERVERS)

.PHONY: node-tests
node-tests: node-prerequisites programs control-plane ## run the tests on a node (needs root)
	$(CARGO) test --package xos-e2e --test node

.PHONY: bench
bench: prerequisites ## compare the engine with its peers: about 40 minutes (BENCH="--only rate,chain" for parts)
	$(CARGO) build --release --package xos-bench --package xos-harness --bins
	$(CARGO) build --release --package xos-model --example planning
	$(TARGET)/release/xos-bench --output $(TARGET)/bench $(BENCH)

.PHONY: bench-smoke
bench-smoke: prerequisites programs control-plane ## check that the benchmark works, and count the writes
	$(CARGO) test --package xos-e2e --test e2e benchmark::

.PHONY: chaos
chaos: prerequisites programs control-plane ## 100 kills of the controller, and 90 s of a failing API server: about 4 minutes
	XOS_CHAOS_KILLS=100 XOS_CHAOS_OBJECTS=300 XOS_CHAOS_SECONDS=90 $(CARGO) test --package xos-e2e --test e2e -- chaos --nocapture

.PHONY: crds
crds: ## write crds/yaml/ again, from the models in config/
	UPDATE_EXPECT=1 $(CARGO) test --package xos-crds --package xos-kinds --test yaml

.PHONY: chart
chart: ## write the chart's README and the schema of its values again
	UPDATE_EXPECT=1 $(CARGO) test --package xos-e2e --test chart -- values::

.PHONY: reference
reference: ## write docs/reference/ and the examples of docs/tools.md again, from the program
	UPDATE_EXPECT=1 $(CARGO) test --package xos-runtime --lib -- reference:: tools_page::

.PHONY: rbac
rbac: ## write config/example/rbac.yaml again, from the example's models
	UPDATE_EXPECT=1 $(CARGO) test --package xos-example --test rbac

.PHONY: dashboard-picture
dashboard-picture: prerequisites programs control-plane ## draw docs/dashboard.svg again: the dashboard's queries on 90 s of real data
	$(PROGRAMS)/xos-dashboard --output docs/dashboard.svg

.PHONY: image
image: node-prerequisites ## write the container images as OCI archives, with lists of what is in them, to target/image
ifeq ($(PROFILE),dev)
	$(CARGO) build --workspace --bins
	$(PROGRAMS)/xos-image --programs $(PROGRAMS) --output $(TARGET)/$(IMAGE) --cache $(CACHE)/packages
else
	XOS_REVISION=$$(git rev-parse HEAD) $(CARGO) build --release --package xos-controller --package xos-example --bins
	$(CARGO) build --package xos-image --bins
	$(PROGRAMS)/xos-image --programs $(TARGET)/release --output $(TARGET)/$(IMAGE) --cache $(CACHE)/packages
endif

.PHONY: cluster
cluster: prerequisites programs control-plane ## start a control plane in the background, and print how to reach it
	@$(PROGRAMS)/xos-cluster up

.PHONY: cluster-down
cluster-down: ## stop the control plane in the background
	@$(PROGRAMS)/xos-cluster down

.PHONY: node
node: node-prerequisites programs ## the same with a node, on which pods run: kubelet, containerd, routing, DNS (needs root)
	@$(PROGRAMS)/xos-cluster up --node $(foreach image,$(IMAGES),--import $(image))

.PHONY: node-down
node-down: ## stop the cluster with the node
	@$(PROGRAMS)/xos-cluster down --node

.PHONY: kafka
kafka: prerequisites programs ## run a Kafka broker until Ctrl-C, and print how to reach it
	@$(PROGRAMS)/xos-kafka run

.PHONY: bench-bus
bench-bus: prerequisites control-plane ## measure pull steps and event steps: some minutes
	$(CARGO) build --release --package xos-bench --package xos-harness --bin xos-bench-bus --bin xos-cluster --bin xos-kafka
	$(subst /debug,/release,$(PROGRAMS))/xos-bench-bus

.PHONY: kills
kills: prerequisites programs control-plane ## 20,000 messages while the controller is killed 50 times
	XOS_E2E_KILL_MESSAGES=20000 XOS_E2E_KILLS=50 $(CARGO) test --package xos-e2e --test e2e -- flows::killed

.PHONY: outage
outage: prerequisites programs ## stop the broker for two minutes
	XOS_E2E_OUTAGE_SECONDS=120 $(CARGO) test --package xos-e2e --test bus -- outage

.PHONY: bus-chaos
bus-chaos: prerequisites programs ## 10 minutes of faults of brokers, processes, topics and messages, against a ledger
	XOS_BUS_CHAOS_SECONDS=$${XOS_BUS_CHAOS_SECONDS:-600} $(CARGO) test --package xos-e2e --test bus -- chaos::nothing --nocapture

.PHONY: clean
clean: ## remove what cargo has built (the cache stays: see clean-cache)
	$(CARGO) clean

.PHONY: clean-cache
clean-cache: ## remove what was built or fetched from the cache
	rm -rf "$(CACHE)/ansible" "$(CACHE)/tools" "$(CACHE)/kafka" "$(CACHE)/cargo-deny" "$(CACHE)/mdbook" "$(CACHE)/packages" "$(CACHE)/python" "$(CACHE)/oracle" "$(CACHE)/xos-client"

.PHONY: prerequisites
prerequisites:
	@e2e/prerequisites

.PHONY: node-prerequisites
node-prerequisites:
	@e2e/prerequisites node

# One after the other, also with -j: a build uses all cores.
.PHONY: programs
programs: | prerequisites
	$(CARGO) build --workspace --bins

.PHONY: control-plane
control-plane: | programs
	@[ "$${XOS_E2E_USE_KUBECONFIG:-}" = 1 ] || $(PROGRAMS)/xos-cluster tools > /dev/null
	@$(PROGRAMS)/xos-cluster helm > /dev/null
	@e2e/ansible/ansible > /dev/null

$(DENY):
	@echo "cargo-deny $(DENY_VERSION) is installed once, into $(CACHE); about 4 minutes on two cores"
	$(CARGO) install --locked cargo-deny --version $(DENY_VERSION) --root $(CACHE)/cargo-deny/$(DENY_VERSION)

$(MDBOOK):
	@echo "mdbook $(MDBOOK_VERSION) is installed once, into $(CACHE); some minutes on two cores"
	$(CARGO) install --locked mdbook --version $(MDBOOK_VERSION) --root $(CACHE)/mdbook/$(MDBOOK_VERSION) --no-default-features
