package db_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
)

// bench runs a benchmark on every engine with a database of 10,000 rows.
func bench(b *testing.B, run func(b *testing.B, d *db.DB)) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			d, err := db.Open(context.Background(), db.Options{URL: dbtest.URL(b, migrations, engine), Clock: dbtest.NewClock().Now})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			rows := make([]thing, 10000)
			for n := range rows {
				rows[n] = thing{ID: key{byte(n >> 8), byte(n)}, Raw: []byte{}}
			}
			if err := d.Update(b.Context(), func(tx *db.Tx) error { return db.Insert(tx, "thing", rows...) }); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			run(b, d)
		})
	}
}

func BenchmarkViewOfOneRow(b *testing.B) {
	bench(b, func(b *testing.B, d *db.DB) {
		for b.Loop() {
			err := d.View(b.Context(), func(tx *db.Tx) error {
				_, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, key{1, 7})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkViewOfOneRowByMany(b *testing.B) {
	bench(b, func(b *testing.B, d *db.DB) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				err := d.View(context.Background(), func(tx *db.Tx) error {
					_, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, key{1, 7})
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkUpdateByMany is what a sign-in does at least: read, write, insert.
func BenchmarkUpdateByMany(b *testing.B) {
	bench(b, func(b *testing.B, d *db.DB) {
		b.SetParallelism(32)
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n := next.Add(1)
				id := key{byte(n >> 8 & 31), byte(n)}
				err := d.Update(context.Background(), func(tx *db.Tx) error {
					v, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, id)
					if err != nil {
						return err
					}
					if _, err := tx.Exec(`UPDATE thing SET n = $2 WHERE id = $1`, id, v.N+1); err != nil {
						return err
					}
					return db.Insert(tx, "thing", thing{ID: key{255, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, Raw: []byte{}})
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkUpdateAlone(b *testing.B) {
	bench(b, func(b *testing.B, d *db.DB) {
		for b.Loop() {
			err := d.Update(b.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE thing SET n = n + 1 WHERE id = $1`, key{1, 7})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBumpByMany(b *testing.B) {
	bench(b, func(b *testing.B, d *db.DB) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := d.Bump(context.Background(), `UPDATE thing SET n = n + 1 WHERE id = $1`, key{1, 7}); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
