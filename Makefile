# `make test` gets what the tests need and runs them; `make check` is what CI runs.
.PHONY: test real check lint fmt

test: real
	go test ./...

# Debian's Prometheus and Alertmanager, and Dendrite built from the module proxy.
# What cannot be had is told, and its tests are skipped.
real:
	@tools/get-real

lint:
	@tools/lint

check:
	bash .ci/run

fmt:
	gofmt -w $$(git ls-files '*.go')
