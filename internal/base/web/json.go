package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

const (
	jsonBytes  = 256 << 10
	jsonDepth  = 32
	jsonValues = 10_000
)

// ReadJSON reads a JSON body into v, at most max bytes (256 KiB if zero). The
// content type must be JSON, so that no form can send one; unknown members are
// refused, and what CheckJSON refuses.
func ReadJSON(r *http.Request, max int64, v any) error {
	body, err := JSONBody(r, max)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return ErrJSON.Because(err)
	}
	return nil
}

// JSONBody is a body that has passed CheckJSON, for formats whose readers must
// ignore unknown members (RFC 7591) or keep numbers as they came.
func JSONBody(r *http.Request, max int64) ([]byte, error) {
	err := media(r, func(t string) bool { return t == "application/json" || strings.HasSuffix(t, "+json") })
	if err != nil {
		return nil, err
	}
	body, err := Body(r, sized(max, jsonBytes))
	if err != nil {
		return nil, err
	}
	return body, CheckJSON(body)
}

// CheckJSON refuses JSON that two readers could read differently or that costs
// more than it says: anything after the value, members that are the same but
// for case (encoding/json would take the last), bytes that are not UTF-8, half
// surrogates and NUL, more than 32 levels, 10,000 values, or numbers outside
// float64 (H209, H127).
func CheckJSON(body []byte) error {
	if !utf8.Valid(body) {
		return ErrText
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	c := checker{dec: dec}
	if err := c.run(); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return ErrJSON
	}
	return nil
}

// checker walks tokens without recursion. Each open object has a set of names;
// each open array a nil one.
type checker struct {
	dec    *json.Decoder
	open   []map[string]struct{}
	atName bool
	values int
}

func (c *checker) run() error {
	for {
		tok, err := c.dec.Token()
		if err != nil {
			return ErrJSON.Because(err)
		}
		if err := c.take(tok); err != nil {
			return err
		}
		if len(c.open) == 0 {
			return nil
		}
	}
}

func (c *checker) take(tok json.Token) error {
	if c.values++; c.values > 2*jsonValues {
		return ErrTooLarge
	}
	switch t := tok.(type) {
	case json.Delim:
		return c.delim(t)
	case string:
		if err := checkText(t); err != nil || strings.ContainsRune(t, utf8.RuneError) {
			return ErrText
		}
		if c.atName {
			return c.name(t)
		}
	}
	c.valued()
	return nil
}

func (c *checker) delim(d json.Delim) error {
	if d == '}' || d == ']' {
		c.open = c.open[:len(c.open)-1]
		c.valued()
		return nil
	}
	if len(c.open) == jsonDepth {
		return ErrTooLarge
	}
	if d == '[' {
		c.open, c.atName = append(c.open, nil), false
		return nil
	}
	c.open, c.atName = append(c.open, map[string]struct{}{}), true
	return nil
}

// name notes a member's name, folded as encoding/json folds when it matches
// members to fields.
func (c *checker) name(s string) error {
	names := c.open[len(c.open)-1]
	folded := strings.ToLower(strings.ToUpper(s))
	if _, twice := names[folded]; twice {
		return ErrRepeated.At(Clean(s, 64))
	}
	names[folded] = struct{}{}
	c.atName = false
	return nil
}

// valued is called after a whole value: in an object a name comes next.
func (c *checker) valued() {
	c.atName = len(c.open) > 0 && c.open[len(c.open)-1] != nil
}
