package db

// Column is a column of a table that holds bytes or text.
type Column struct {
	Table, Name string
	Bytes       bool // false: text
}

// Fields names the columns.
func (c *Column) Fields() []Field {
	return []Field{{Column: "tbl", Ptr: &c.Table}, {Column: "name", Ptr: &c.Name}, {Column: "bytes", Ptr: &c.Bytes}}
}

// Columns lists the columns of bytes and of text of every table that is there,
// whatever release made it: for who looks for something in a whole database and
// knows no table by name.
func Columns(tx *Tx) ([]Column, error) {
	return All[Column](tx, Pick(`FROM (SELECT table_name::text AS tbl, column_name::text AS name, data_type = 'bytea' AS bytes
		FROM information_schema.columns WHERE table_schema = current_schema() AND data_type IN ('bytea', 'text')) AS found ORDER BY tbl, name`,
		`FROM (SELECT m.name AS tbl, p.name AS name, p.type = 'BLOB' AS bytes FROM sqlite_schema AS m, pragma_table_info(m.name) AS p
		WHERE m.type = 'table' AND p.type IN ('BLOB', 'TEXT')) AS found ORDER BY tbl, name`,
		"each engine keeps its catalogue of tables in a place of its own"))
}
