package db

// Check tells what in sql breaks the rules of the house.
func Check(sql string) error { return nil }
