module github.com/cardea-id/cardea/e2e

go 1.26.0

require (
	github.com/cardea-id/cardea v0.0.0
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
)

require (
	github.com/caarlos0/env/v11 v11.4.2 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
)

replace github.com/cardea-id/cardea => ../
