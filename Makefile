# make bench   build, run the quick suite (five to six minutes), say where the report is
# make test    all tests
# make lint    gofmt, vet, staticcheck
# make cross   build and vet for the other systems

GO      ?= go
VERSION := $(shell git describe --always --dirty 2>/dev/null)

.PHONY: bench test lint cross build fuzz clean

bench: build
	./medusa run quick

build:
	$(GO) build -trimpath -ldflags "-X main.buildVersion=$(VERSION)" -o medusa .

test:
	GO="$(GO)" scripts/test.sh -race -timeout 20m ./...

lint:
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod verify
	$(GO) mod tidy -diff

# The servers need a system with select and poll; windows only reads results.
cross:
	@set -e; for os in linux darwin freebsd netbsd openbsd dragonfly; do for arch in amd64 arm64; do \
		if [ $$os/$$arch = dragonfly/arm64 ]; then continue; fi; \
		echo "$$os/$$arch"; GOOS=$$os GOARCH=$$arch $(GO) build -o /dev/null .; GOOS=$$os GOARCH=$$arch $(GO) vet ./...; \
	done; done

# Each fuzz test for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@set -e; for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; done; done

clean:
	rm -f medusa
