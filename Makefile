# The targets are few: `make run`, `make test`, `make lint`, `make bench`.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: run test lint bench

run:
	$(GO) run .

# Everything: installs what the end-to-end tests use (where it may), then all tests.
test: lint
	sh e2e/setup.sh
	$(GO) test -race -shuffle=on -timeout 12m ./...

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
