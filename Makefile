.PHONY: dev build check test bench schema

dev:            ## the whole product with a demo shop, data in ./.dev
	go run ./cmd/cardea dev

build:          ## one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o cardea ./cmd/cardea

check:          ## format, vet, staticcheck, house rules, tests on SQLite
	tools/check
	CARDEA_TEST_ENGINES=sqlite go test ./...

test:           ## everything: both engines, race detector, browser, other people's clients
	tools/test

bench:          ## the performance table of docs/performance.md
	tools/bench

schema:         ## write the schema as it stands
	go run ./tools/schema > internal/core/schema/schema.golden
