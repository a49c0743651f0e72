.PHONY: dev build check test bench schema

dev:            ## the whole product with a demo shop, data in ./.dev
	go run ./cmd/cardea dev

build:          ## one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o cardea ./cmd/cardea

check:          ## format, vet, house rules, tests on SQLite
	@test -z "$$(gofmt -l cmd internal examples tools *.go)" || (gofmt -l cmd internal examples tools *.go; exit 1)
	go vet ./...
	go tool staticcheck ./...
	CARDEA_TEST_ENGINES=sqlite go test ./...

test:           ## everything: both engines, race detector, browser, other people's clients
	tools/test

bench:          ## the performance table of docs/performance.md
	tools/bench

schema:         ## write the schema as it stands
	go run ./tools/schema > internal/core/schema/schema.golden
