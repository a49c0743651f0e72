package session

import (
	"database/sql/driver"
	"fmt"
)

// optional is sixteen bytes whose zero is NULL.
type optional [16]byte

// Value stores the zero as NULL.
func (o optional) Value() (driver.Value, error) {
	if o == (optional{}) {
		return nil, nil
	}
	return o[:], nil
}

// Scan reads what Value stored.
func (o *optional) Scan(src any) error {
	*o = optional{}
	if src == nil {
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b) != len(o) {
		return fmt.Errorf("session: cannot scan %T", src)
	}
	copy(o[:], b)
	return nil
}
