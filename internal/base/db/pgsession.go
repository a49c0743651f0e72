package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// begins open a transaction. Those that write learn their transaction id at
// once, so that its fate can be asked for should the connection break in COMMIT.
var begins = [...][]string{
	view:   {"begin isolation level repeatable read read only"},
	look:   {},
	update: {"begin isolation level serializable", "select pg_current_xact_id()::text"},
	redeem: {"begin isolation level read committed", "select pg_current_xact_id()::text"},
	claim:  {"begin isolation level read committed", "select pg_current_xact_id()::text"},
}

// pgSession is a transaction on a connection. Both are taken with the first
// statement, in one round trip with it, and a closure that asks nothing costs
// none. What an Insert or a Put writes waits for the next statement, or for
// COMMIT, and makes the journey with it.
type pgSession struct {
	pool *pgxpool.Pool
	v    verb
	c    *pgxpool.Conn // nil until the first statement
	xid  string

	waiting []pgWrite
	given   bool // a row of the first statement has reached its target
}

// pgWrite is a statement whose only answer is that it did not fail.
type pgWrite struct {
	sql  string
	args []any
}

// maxWaiting bounds the writes of one journey, and what they hold in memory.
const maxWaiting = 64

// pgAsked is a statement with what reads its answer.
type pgAsked struct {
	sql  string
	args []any
	read func(pgx.BatchResults) error
}

// starts is how often the first statement is tried on a fresh connection: a
// pooled one may have died unseen, and nothing was done on it yet.
const starts = 3

// send makes one journey with what waits and with the statements that are
// given. If it is the first, it opens the transaction.
func (s *pgSession) send(ctx context.Context, asked ...pgAsked) error {
	if s.c != nil {
		return pgFault(ctx, s.c.Conn(), s.journey(ctx, nil, asked))
	}
	for n := 1; ; n++ {
		c, err := s.pool.Acquire(ctx)
		if err != nil {
			return pgFault(ctx, nil, err)
		}
		s.c, s.xid = c, ""
		waiting := s.waiting
		err = s.journey(ctx, begins[s.v], asked)
		if err == nil || n == starts || ctx.Err() != nil || s.given || !c.Conn().IsClosed() {
			return pgFault(ctx, c.Conn(), err)
		}
		s.c, s.waiting = nil, waiting
		c.Release()
	}
}

// journey sends opening, waiting writes and questions in this order, and reads
// the answers. The first that failed is told; what came after it was not done.
func (s *pgSession) journey(ctx context.Context, opening []string, asked []pgAsked) (err error) {
	var b pgx.Batch
	for _, text := range opening {
		b.Queue(text)
	}
	for _, w := range s.waiting {
		b.Queue(w.sql, w.args...)
	}
	for _, a := range asked {
		b.Queue(a.sql, a.args...)
	}
	waiting := len(s.waiting)
	s.waiting = nil
	results := s.c.Conn().SendBatch(ctx, &b)
	defer func() {
		if e := results.Close(); err == nil {
			err = e
		}
	}()
	if err := s.opened(results, opening); err != nil {
		return err
	}
	for range waiting {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, a := range asked {
		if err := a.read(results); err != nil {
			return err
		}
	}
	return nil
}

// opened reads the answers to the opening: nothing, and the transaction's id.
func (s *pgSession) opened(results pgx.BatchResults, opening []string) error {
	if len(opening) == 0 {
		return nil
	}
	if _, err := results.Exec(); err != nil {
		return err
	}
	if s.v.reads() {
		return nil
	}
	return results.QueryRow().Scan(&s.xid)
}

func (s *pgSession) exec(ctx context.Context, sql string, args []any) (n int64, err error) {
	if s.c != nil && len(s.waiting) == 0 {
		tag, err := s.c.Exec(ctx, sql, args...)
		return tag.RowsAffected(), pgFault(ctx, s.c.Conn(), err)
	}
	err = s.send(ctx, pgAsked{sql, args, func(r pgx.BatchResults) error {
		tag, err := r.Exec()
		n = tag.RowsAffected()
		return err
	}})
	return n, err
}

// execEach lets the rows wait.
func (s *pgSession) execEach(ctx context.Context, sql string, rows [][]any) error {
	for _, args := range rows {
		s.waiting = append(s.waiting, pgWrite{sql, args})
		if len(s.waiting) >= maxWaiting {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *pgSession) query(ctx context.Context, sql string, args []any, target func() []Field) error {
	if s.c != nil && len(s.waiting) == 0 {
		rows, err := s.c.Query(ctx, sql, args...)
		if err == nil {
			err = pgRows(rows, target)
		}
		return pgFault(ctx, s.c.Conn(), err)
	}
	return s.send(ctx, s.asked(sql, args, target))
}

func (s *pgSession) asked(sql string, args []any, target func() []Field) pgAsked {
	return pgAsked{sql, args, func(r pgx.BatchResults) error {
		rows, err := r.Query()
		return errors.Join(err, pgRows(rows, func() []Field {
			s.given = true
			return target()
		}))
	}}
}

// askedTogether reads the rows of a statement that is made of parts.
func (s *pgSession) askedTogether(sql string, args []any, parts []part) pgAsked {
	return pgAsked{sql, args, func(r pgx.BatchResults) error {
		rows, err := r.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		var before [][]any
		for rows.Next() {
			row, err := pgRow(rows)
			if err != nil {
				return err
			}
			s.given = true
			if err := hear(parts, row, before); err != nil {
				return err
			}
			before = append(before, row)
		}
		return rows.Err()
	}}
}

// commit ends the transaction, in one journey with what waits. Not sent: what
// waited failed, and COMMIT was not run.
func (s *pgSession) commit(ctx context.Context) (sent bool, err error) {
	if len(s.waiting) == 0 {
		tag, err := s.c.Exec(ctx, "commit")
		return true, committed(tag, err)
	}
	err = s.journey(ctx, nil, []pgAsked{{"commit", nil, func(r pgx.BatchResults) error {
		sent = true
		return committed(r.Exec())
	}}})
	return sent, err
}

// committed refuses the answer that PostgreSQL gives to the COMMIT of a
// transaction that has failed: ROLLBACK.
func committed(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("db: COMMIT was answered by %s", tag)
	}
	return err
}

// lost tells whether the connection broke.
func (s *pgSession) lost() bool { return s.c != nil && s.c.Conn().IsClosed() }
