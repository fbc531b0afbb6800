# `make` says what there is. Everything runs from a fresh clone; what is downloaded is kept in the user's cache folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

GO ?= go
BUILD := build
BIN := $(BUILD)/drawdown
SERVERS := $(GO) run ./internal/servers/cmd/servers

# Versions of the tools. They are built by `go install`, which takes minutes, once for each version.
GOLANGCI_VERSION := 2.15.0
GOVULNCHECK_VERSION := 1.8.0

TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/drawdown/tools
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)/govulncheck

# How long each fuzz target runs; which packages are tested or linted; further flags of go test (say, TEST_FLAGS=-v).
FUZZ_FOR ?= 10s
PACKAGES ?= ./...
TEST_FLAGS ?=
# One package may take this long. The whole suite takes about as long as its slowest packages: two run at a time, since
# each may start servers of its own.
TEST_TIMEOUT ?= 15m

.PHONY: help
help: ## say what there is
	@echo 'make TARGET, where TARGET is one of'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'First time here: make demo, then make test.'

.PHONY: demo
demo: build ## run the whole pipeline for half a minute (DEMO_FOR=2m: longer, KEEP=1: until Ctrl-C)
	@$(BIN) demo $(if $(DEMO_FOR),--for=$(DEMO_FOR)) $(if $(KEEP),--keep)

.PHONY: build
build: ## build the program into build/drawdown
	@echo 'building $(BIN) (the first time takes a minute or two)'
	@mkdir -p $(BUILD)
	@$(GO) build -o $(BIN) ./cmd/drawdown

.PHONY: test
test: servers-install ## install what is missing, then run every test, with real servers and the race detector
	@mkdir -p $(BUILD)
	@$(GO) test -race -tags integration -count=1 -p 2 -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) $(PACKAGES) 2>&1 | tee $(BUILD)/test.log \
		|| { echo 'A test failed. All of the output is in $(BUILD)/test.log; what failed:'; grep -E '^\s*--- FAIL|^FAIL|^panic:|WARNING: DATA RACE|^\s+[a-z_]+_test\.go:[0-9]+: ' $(BUILD)/test.log | cut -c1-400; exit 1; }
	@echo 'All tests passed; the output is in $(BUILD)/test.log.'

.PHONY: unit
unit: ## run the tests that need no server
	@$(GO) test $(TEST_FLAGS) $(PACKAGES)

.PHONY: bench
bench: build ## measure the drain of a backlog on real servers; the last line is one JSON object
	@$(SERVERS) install redis kafka clickhouse
	@$(BIN) bench

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZ_FOR (10s)
	@FUZZ_FOR=$(FUZZ_FOR) GO=$(GO) scripts/fuzz

.PHONY: lint
lint: $(GOLANGCI) ## check style, mistakes and the direction of dependencies
	@$(GOLANGCI) run $(PACKAGES)

.PHONY: fmt
fmt: $(GOLANGCI) ## format every Go file
	@$(GOLANGCI) fmt ./...

.PHONY: check
check: lint $(GOVULNCHECK) ## lint, vet, generated files in sync, known vulnerabilities
	@$(GO) vet ./...
	@$(GO) vet -tags integration ./...
	@$(GO) mod verify
	@$(GO) mod tidy -diff
	@scripts/generated
	@scripts/vulncheck $(GOVULNCHECK)

.PHONY: servers-install
servers-install: ## install Kafka, Redis, ClickHouse, promtool and the tests' Python programs
	@$(SERVERS) install all

.PHONY: servers-up
servers-up: ## run Kafka, Redis and ClickHouse on free loopback ports until Ctrl-C
	@$(SERVERS) install redis kafka clickhouse
	@$(SERVERS) up

.PHONY: clean
clean: ## remove what was built (downloads stay in the user's cache folder, under drawdown/)
	@rm -rf $(BUILD)

$(GOLANGCI):
	@echo 'building golangci-lint $(GOLANGCI_VERSION), once; this takes a few minutes'
	@GOFLAGS= GOBIN=$(@D).partial $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION)
	@mkdir -p $(@D) && mv $(@D).partial/golangci-lint $@ && rm -rf $(@D).partial

$(GOVULNCHECK):
	@echo 'building govulncheck $(GOVULNCHECK_VERSION), once'
	@GOFLAGS= GOBIN=$(@D).partial $(GO) install golang.org/x/vuln/cmd/govulncheck@v$(GOVULNCHECK_VERSION)
	@mkdir -p $(@D) && mv $(@D).partial/govulncheck $@ && rm -rf $(@D).partial
