package privacy

// Statements are the deletions of all rooms.
func Statements() []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.sql...)
	}
	return out
}
