package db

import (
	"bytes"
	"context"
	endian "encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgres is the PostgreSQL engine: a pool, and transactions that are run
// again when they cannot be serialized.
type postgres struct {
	h      *house
	pool   *pgxpool.Pool
	asking time.Duration // for the fate of a transaction
}

// oldestServer is the first PostgreSQL release that is still served.
const oldestServer = 140000

func openPostgres(ctx context.Context, h *house, o Options) (*postgres, error) {
	h.texts.strict = h.strict
	cfg, err := pgConfig(o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := checkServer(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return &postgres{h: h, pool: pool, asking: maxAsking}, nil
}

// pgConfig reads the URL; pgx's own parameters work in it (pool_max_conns).
func pgConfig(o Options) (*pgxpool.Config, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("db: the database URL cannot be read")
	}
	q := u.Query()
	plain := o.StatementCacheOff || q.Get("statement_cache") == "off"
	sized, aimed := q.Has("pool_max_conns"), q.Has("target_session_attrs")
	q.Del("statement_cache")
	u.RawQuery = q.Encode()
	cfg, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	if !sized {
		cfg.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0)))
	}
	if !aimed {
		// A View must see every answered Update, so it never reads a replica.
		cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	cfg.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelGrace}
	}
	sessions(cfg.ConnConfig, plain)
	return cfg, nil
}

// sessions sets what a connection keeps. Old poolers that hand a session from
// one client to the next know neither prepared statements nor such settings.
func sessions(c *pgx.ConnConfig, plain bool) {
	if plain {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.StatementCacheCapacity, c.DescriptionCacheCapacity = 0, 0
		return
	}
	for name, value := range settings {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
}

// settings of a session, unless the URL sets them. The timeouts free what a
// node that vanished had locked.
var settings = map[string]string{
	"application_name":                    "cardea",
	"default_transaction_isolation":       "read committed",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "60s",
}

func checkServer(ctx context.Context, pool *pgxpool.Pool) error {
	var version, encoding string
	err := pool.QueryRow(ctx, "SELECT current_setting('server_version_num'), current_setting('server_encoding')").Scan(&version, &encoding)
	if err != nil {
		return fmt.Errorf("db: PostgreSQL does not answer: %w", err)
	}
	if n, _ := strconv.Atoi(version); n < oldestServer {
		return fmt.Errorf("db: PostgreSQL %s is too old, %d is needed", version, oldestServer/10000)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("db: the database is encoded in %s, UTF8 is needed", encoding)
	}
	return nil
}

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

// pgRows reads what a statement gave and stores each row where target says.
func pgRows(rows pgx.Rows, target func() []Field) error {
	defer rows.Close()
	for rows.Next() {
		fields, columns, cells := target(), rows.FieldDescriptions(), rows.RawValues()
		if len(fields) != len(cells) {
			return fmt.Errorf("db: %d columns do not fit %d fields", len(cells), len(fields))
		}
		for i, f := range fields {
			v, err := pgValue(rows.Conn(), &columns[i], cells[i])
			if err == nil {
				err = assign(f.Ptr, v)
			}
			if err != nil {
				return fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
		}
	}
	return rows.Err()
}

// pgRow is the row at which rows stands.
func pgRow(rows pgx.Rows) ([]any, error) {
	columns, cells := rows.FieldDescriptions(), rows.RawValues()
	out := make([]any, len(cells))
	for i := range cells {
		var err error
		if out[i], err = pgValue(rows.Conn(), &columns[i], cells[i]); err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[i].Name, err)
		}
	}
	return out, nil
}

// pgValue gives a column's value as assign takes it. What the house's columns
// are made of is read here; pgx's own way asks its table of types about each
// column of each statement. What is given does not share the cell's memory.
func pgValue(c *pgx.Conn, column *pgconn.FieldDescription, cell []byte) (any, error) {
	if cell == nil {
		return nil, nil
	}
	binary := column.Format == pgx.BinaryFormatCode
	switch {
	case column.DataTypeOID == pgtype.TextOID:
		return string(cell), nil
	case binary && column.DataTypeOID == pgtype.Int8OID && len(cell) == 8:
		return int64(endian.BigEndian.Uint64(cell)), nil
	case binary && column.DataTypeOID == pgtype.ByteaOID:
		return bytes.Clone(cell), nil
	case binary && column.DataTypeOID == pgtype.BoolOID && len(cell) == 1:
		return cell[0] != 0, nil
	}
	types := c.TypeMap()
	t, ok := types.TypeForOID(column.DataTypeOID)
	if !ok {
		return string(cell), nil // as pgx gives it to database/sql
	}
	return t.Codec.DecodeDatabaseSQLValue(types, column.DataTypeOID, column.Format, cell)
}

// pgCode gives the SQLSTATE of an error, or "".
func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// pgFault says what a caller may do about a driver's error.
func pgFault(ctx context.Context, c *pgx.Conn, err error) error {
	if err == nil {
		return nil
	}
	code := pgCode(err)
	switch {
	case code == "23505":
		return errConflict.Because(err)
	case code == "23503":
		return errOrphan.Because(err)
	case code == "40001", code == "40P01", code == "55P03":
		return errBusy.Because(err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case len(code) == 5 && outages[code[:2]], code == "" && (c == nil || c.IsClosed()):
		return errDown.Because(err)
	}
	return err
}

// outages are the classes of SQLSTATE that speak of the server, not of us.
var outages = map[string]bool{
	"08": true, // connection exception
	"53": true, // insufficient resources
	"57": true, // operator intervention
	"58": true, // system error
}
