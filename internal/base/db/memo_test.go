package db

import (
	"context"
	"testing"
	"testing/fstest"
	"time"
)

type pet struct {
	Name string
	Tag  []byte
	N    int64
}

func (p *pet) Fields() []Field { return []Field{{"name", &p.Name}, {"tag", &p.Tag}, {"n", &p.N}} }

func memoDB(t *testing.T) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{
		URL: "sqlite:" + t.TempDir() + "/a.db", Clock: time.Now, Strict: true,
		Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte(
			"CREATE TABLE pet (name TEXT NOT NULL, tag BYTEA NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (name));\n" +
				"CREATE TABLE pet_toy (name TEXT NOT NULL, PRIMARY KEY (name));\n")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = d.Update(t.Context(), func(tx *Tx) error {
		return Insert(tx, "pet", pet{"rex", []byte{1}, 1}, pet{"tom", []byte{2}, 2})
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// counting counts what reaches the engine.
type counting struct {
	session
	asked int
}

func (c *counting) query(ctx context.Context, sql string, args []any, target func() []Field) error {
	c.asked++
	return c.session.query(ctx, sql, args, target)
}

func counted(tx *Tx) *counting {
	c := &counting{session: tx.s}
	tx.s = c
	return c
}

const byName = "FROM pet WHERE name = $1"

func TestAQuestionIsAskedOnceUntilItsTableIsWritten(t *testing.T) {
	t.Parallel()
	d := memoDB(t)
	ask := func(tx *Tx, name string) int64 {
		p, err := Get[pet](tx, byName, name)
		if err != nil {
			t.Fatal(err)
		}
		return p.N
	}
	err := d.Update(t.Context(), func(tx *Tx) error {
		c := counted(tx)
		for _, step := range []struct {
			what  string
			write string
			asked int
			rex   int64
		}{
			{"first", "", 1, 1},
			{"again", "", 1, 1},
			{"a table of a longer name", "INSERT INTO pet_toy (name) VALUES ('ball')", 1, 1},
			{"the table", "UPDATE pet SET n = n + 10 WHERE name = 'rex'", 2, 11},
			{"written in one statement with its answer", "", 2, 11},
		} {
			if step.write != "" {
				if _, err := tx.Exec(step.write); err != nil {
					return err
				}
			}
			if n := ask(tx, "rex"); n != step.rex || c.asked != step.asked {
				t.Errorf("%s: told %d after %d questions, want %d after %d", step.what, n, c.asked, step.rex, step.asked)
			}
		}
		if _, _, err := Take[pet](tx, "UPDATE pet SET n = 100 WHERE name = 'rex'"); err != nil {
			return err
		}
		if n := ask(tx, "rex"); n != 100 {
			t.Errorf("after a Take: %d", n)
		}
		if err := Insert(tx, "pet", pet{"ada", []byte{}, 3}); err != nil {
			return err
		}
		all, err := All[pet](tx, "FROM pet ORDER BY name")
		again, err2 := All[pet](tx, "FROM pet ORDER BY name")
		if err != nil || err2 != nil || len(all) != 3 || len(again) != 3 {
			t.Errorf("%d and %d rows: %v %v", len(all), len(again), err, err2)
		}
		all[0].N = -1
		if third, err := All[pet](tx, "FROM pet ORDER BY name"); err != nil || third[0].N != 3 {
			t.Errorf("a caller's copy reached the memo: %v %v", third, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOtherArgumentsAreOtherQuestions(t *testing.T) {
	t.Parallel()
	d := memoDB(t)
	err := d.View(t.Context(), func(tx *Tx) error {
		for range 2 {
			for name, n := range map[string]int64{"rex": 1, "tom": 2} {
				if p, err := Get[pet](tx, byName, name); err != nil || p.N != n {
					t.Errorf("%s: %+v %v", name, p, err)
				}
			}
			if _, ok, err := Find[pet](tx, byName, "nobody"); ok || err != nil {
				t.Error("nobody was found", err)
			}
			n, _, err := Value[int64](tx, "SELECT count(*) FROM pet")
			word, _, err2 := Value[bool](tx, "SELECT count(*) FROM pet") // another type, the same words
			if n != 2 || !word || err != nil || err2 != nil {
				t.Error(n, word, err, err2)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadCommittedRemembersNothing(t *testing.T) {
	t.Parallel()
	d := memoDB(t)
	for name, verb := range map[string]func(context.Context, func(*Tx) error) error{"redeem": d.Redeem, "claim": d.Claim} {
		err := verb(t.Context(), func(tx *Tx) error {
			c := counted(tx)
			for range 3 {
				if _, err := Get[pet](tx, byName, "rex"); err != nil {
					return err
				}
			}
			if c.asked != 3 {
				t.Errorf("%s asked %d times", name, c.asked)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStrictModeFindsWhoChangesARowInPlace(t *testing.T) {
	t.Parallel()
	d := memoDB(t)
	err := d.View(t.Context(), func(tx *Tx) error {
		p, err := Get[pet](tx, byName, "rex")
		if err != nil {
			return err
		}
		p.Tag[0] = 9
		defer func() {
			if recover() == nil {
				t.Error("nobody noticed")
			}
		}()
		_, err = Get[pet](tx, byName, "rex")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
