package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// BenchmarkContactCheck is one question of a batch of 100, of addresses that have
// decided something: normalised, digested, read and judged. HTTP is left out; a
// batch shares it. PostgreSQL's own share is not in the figure.
func BenchmarkContactCheck(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			h := coretest.Open(b, engine, false)
			h.Update(func(tx *db.Tx) error {
				return consent.PutTopic(tx, h.T(), consent.Topic{
					ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Letter"}}, Channels: []consent.Channel{consent.ByEmail},
				}, 0)
			})
			address := func(i int) string { return fmt.Sprintf("reader-%d@example.com", i) }
			const readers, batch = 2000, 100
			for at := 0; at < readers; at += batch {
				h.Update(func(tx *db.Tx) error {
					for i := at; i < at+batch; i++ {
						wish := []consent.Wish{{Topic: "letter", Channel: consent.ByEmail, On: i%2 == 0}}
						if _, err := consent.Capture(tx, h.T(), customer.Email, address(i), wish, consent.Where{Surface: "test", Method: "form"}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			t, n := h.T(), 0
			before := used()
			for b.Loop() {
				if n%batch != 0 {
					n++
					continue
				}
				err := h.D.View(context.Background(), func(tx *db.Tx) error {
					for i := range batch {
						q := consent.Question{Address: address((n + i*37) % readers), Topic: "letter", Channel: consent.ByEmail}
						if a, err := consent.Check(tx, t, &app.Application{}, q); err != nil || a.Reason == consent.Undecided {
							return fmt.Errorf("%+v: %w", a, err)
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(micro(used().CPU-before.CPU)/float64((n+batch-1)/batch*batch), "CPU-us/question")
		})
	}
}
