package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
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
// statement, in one round trip with it: a View of one statement costs two trips
// instead of three, and a closure that asks nothing costs none.
type pgSession struct {
	pool *pgxpool.Pool
	v    verb
	c    *pgxpool.Conn // nil until the first statement
	xid  string

	given bool // a row of the first statement has reached its target
}

// starts is how often the first statement is tried on a fresh connection: a
// pooled one may have died unseen, and nothing was done on it yet.
const starts = 3

// first opens the transaction and hands the first statement's answer to read.
func (s *pgSession) first(ctx context.Context, sql string, args []any, read func(pgx.BatchResults) error) error {
	for n := 1; ; n++ {
		c, err := s.pool.Acquire(ctx)
		if err != nil {
			return pgFault(ctx, nil, err)
		}
		s.c, s.xid = c, ""
		err = s.opening(ctx, sql, args, read)
		if err == nil || n == starts || ctx.Err() != nil || s.given || !c.Conn().IsClosed() {
			return pgFault(ctx, c.Conn(), err)
		}
		s.c = nil
		c.Release()
	}
}

func (s *pgSession) opening(ctx context.Context, sql string, args []any, read func(pgx.BatchResults) error) (err error) {
	var b pgx.Batch
	for _, text := range begins[s.v] {
		b.Queue(text)
	}
	b.Queue(sql, args...)
	results := s.c.Conn().SendBatch(ctx, &b)
	defer func() {
		if e := results.Close(); err == nil {
			err = e
		}
	}()
	if s.v != look {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	if !s.v.reads() {
		if err := results.QueryRow().Scan(&s.xid); err != nil {
			return err
		}
	}
	return read(results)
}

func (s *pgSession) exec(ctx context.Context, sql string, args []any) (n int64, err error) {
	if s.c == nil {
		err = s.first(ctx, sql, args, func(r pgx.BatchResults) error {
			tag, err := r.Exec()
			n = tag.RowsAffected()
			return err
		})
		return n, err
	}
	tag, err := s.c.Exec(ctx, sql, args...)
	return tag.RowsAffected(), pgFault(ctx, s.c.Conn(), err)
}

// execEach sends all rows at once and reads the answers afterwards.
func (s *pgSession) execEach(ctx context.Context, sql string, rows [][]any) error {
	if s.c == nil || len(rows) == 1 {
		if _, err := s.exec(ctx, sql, rows[0]); err != nil {
			return err
		}
		rows = rows[1:]
	}
	if len(rows) == 0 {
		return nil
	}
	var b pgx.Batch
	for _, args := range rows {
		b.Queue(sql, args...)
	}
	return pgFault(ctx, s.c.Conn(), s.c.SendBatch(ctx, &b).Close())
}

func (s *pgSession) query(ctx context.Context, sql string, args []any, target func() []Field) error {
	if s.c == nil {
		return s.first(ctx, sql, args, func(r pgx.BatchResults) error {
			rows, err := r.Query()
			return errors.Join(err, pgRows(rows, func() []Field {
				s.given = true
				return target()
			}))
		})
	}
	rows, err := s.c.Query(ctx, sql, args...)
	if err == nil {
		err = pgRows(rows, target)
	}
	return pgFault(ctx, s.c.Conn(), err)
}

// lost tells whether the connection broke.
func (s *pgSession) lost() bool { return s.c != nil && s.c.Conn().IsClosed() }
