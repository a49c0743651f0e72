package db

// Question is a SELECT that a closure is going to ask.
type Question struct {
	sql   string
	args  []any
	width int // columns
	open  func() hearing
}

// hearing takes the rows of one answer and keeps them.
type hearing struct {
	target func() []Field
	keep   func(m *memo, key string)
}

// Asking is the question of a Get, a Find or an All with the same arguments.
func Asking[T any, P interface {
	*T
	Row
}](from string, args ...any) Question {
	s := shapeOf[T, P]()
	return asking("SELECT "+s.columns+" "+from, args, s.width, func(v *T) []Field { return P(v).Fields() })
}

// AskingValue is the question of a Value with the same arguments.
func AskingValue[V any](sql string, args ...any) Question {
	return asking(sql, args, 1, func(v *V) []Field { return []Field{{Ptr: v}} })
}

func asking[T any](sql string, args []any, width int, fields func(*T) []Field) Question {
	return Question{sql, args, width, func() hearing {
		var rows []T
		return hearing{func() []Field {
			rows = append(rows, *new(T))
			return fields(&rows[len(rows)-1])
		}, func(m *memo, key string) { note(m, key, sql, rows) }}
	}}
}

// Foresees tells whether Foresee would ask: whoever has many questions to write
// down may spare it where nothing comes of it.
func (tx *Tx) Foresees() bool {
	_, far := tx.s.(*pgSession)
	return far && !tx.single && !isBackground(tx.ctx)
}

// Foresee asks in one journey what the closure is going to ask one by one, and
// keeps the answers for it; each question is forgotten when the transaction
// writes to its table. It promises speed and nothing else: what is not foreseen
// is asked when it is asked, and on SQLite, where a question is no journey,
// Foresee does nothing. In a Redeem an answer serves once.
func (tx *Tx) Foresee(list ...Question) error {
	if !tx.Foresees() {
		return nil
	}
	s := tx.s.(*pgSession)
	if tx.memo == nil {
		tx.memo = &memo{once: true}
	}
	var asked []pgAsked
	var keep []func()
	for _, q := range list {
		bound, err := bindAll(q.args)
		if err != nil {
			return tx.fail(err)
		}
		key, ok := tx.memo.keyOf(q.sql, bound)
		if !ok || tx.memo.has(key) {
			continue
		}
		text, err := tx.ready(q.sql)
		if err != nil {
			return err
		}
		h := q.open()
		asked = append(asked, s.asked(text, bound, h.target))
		keep = append(keep, func() { h.keep(tx.memo, key) })
	}
	if len(asked) == 0 {
		return nil
	}
	if err := s.send(tx.ctx, asked...); err != nil {
		return tx.fail(err)
	}
	for _, k := range keep {
		k()
	}
	return nil
}
