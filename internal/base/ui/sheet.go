package ui

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"
)

// Sheet writes comma-separated values (RFC 4180) that spreadsheets take for text
// alone: a cell that one would read as a formula gets an apostrophe in front.
type Sheet struct{ out *csv.Writer }

// NewSheet begins a sheet with its head.
func NewSheet(w io.Writer, head ...string) *Sheet {
	s := &Sheet{csv.NewWriter(w)}
	s.out.UseCRLF = true
	s.Row(head...)
	return s
}

// Row adds a row. What goes wrong is told by End.
func (s *Sheet) Row(cells ...string) {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = plainCell(c)
	}
	_ = s.out.Write(safe) // kept by the writer until End
}

// End writes what is left and tells what went wrong.
func (s *Sheet) End() error {
	s.out.Flush()
	return s.out.Error()
}

// plainCell is a text that no spreadsheet takes for a formula, also not where one
// splits cells at semicolons, tabs or line ends and trims what stands around.
func plainCell(text string) string {
	var out strings.Builder
	begins := true
	for _, r := range text {
		if begins && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) {
			out.WriteByte('\'')
		}
		out.WriteRune(r)
		begins = strings.ContainsRune(",;\t\r\n", r) || begins && (unicode.IsSpace(r) || r == '"')
	}
	return out.String()
}
