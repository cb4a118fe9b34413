# The targets are few: `make run`, `make test`, `make lint`, `make format`, `make bench`, `make bench-scale`, `make soak`, `make screenshot`.
GO ?= go
# How many targets `make bench-scale` has.
TARGETS ?= 100000
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MISSPELL = github.com/golangci/misspell/cmd/misspell@v0.8.0
# What looks different in a program that is built with more mechanisms of discovery.
TAGGED = ./internal/config ./internal/discovery ./examples/kubernetes/...
# What has files for other systems than Linux.
PLATFORM = ./checks ./envinfo ./prober ./internal/cli ./internal/durable ./internal/orphans ./internal/server/connections ./internal/testneed ./internal/testport

.PHONY: run test lint format bench bench-scale soak screenshot

run:
	$(GO) run .

# Everything: installs what the end-to-end tests use (where it may), then all tests.
test: lint
	sh e2e/setup.sh
	$(GO) test -race -shuffle=on -timeout 15m ./...
	$(GO) test -tags kubernetes,consul $(TAGGED)
	$(GO) test -tags kubernetes,consul -run Kubernetes ./internal/app

# What .golangci.yml says; formatting too, which `make format` mends. Then the files that
# only other builds have, and the spelling of what is not Go.
lint:
	$(GO) vet ./...
	GOOS=darwin $(GO) vet $(PLATFORM)
	$(GO) run $(GOLANGCI_LINT) run ./...
	$(GO) run $(GOLANGCI_LINT) run --build-tags kubernetes,consul $(TAGGED) ./internal/app
	find . -path '*/.*' -prune -o -type f \( -name '*.md' -o -name '*.example' -o -name '*.yml' -o -name '*.tmpl' -o -name '*.html' -o -name '*.sh' -o -name '*.py' -o -name Makefile \) -print \
	  | xargs $(GO) run $(MISSPELL) -error

format:
	$(GO) run $(GOLANGCI_LINT) fmt ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The whole program with very many targets, for some minutes: a table of what it costs.
bench-scale:
	SCALE=$(TARGETS) $(GO) test -count=1 -timeout 30m -v -run '^TestScale$$' ./e2e/scale

# The pictures of the README: needs Chromium (e2e/setup.sh) and a minute.
screenshot:
	SCREENSHOT=1 E2E_ARTIFACTS=../../docs $(GO) test -count=1 -run '^TestScreenshot$$' ./e2e/browser

# What takes too long for each change: many probes, many kills, and minutes of fuzzing.
soak:
	SOAK=1 $(GO) test -count=1 -timeout 60m -v -run 'HeapIsFlat' ./prober
	SOAK=1 $(GO) test -count=1 -timeout 60m -v -run 'KilledWhileMailing' ./e2e/restarts
	for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime 2m $$package || exit 1; \
	  done; \
	done
