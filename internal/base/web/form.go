package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const (
	formBytes  = 64 << 10
	formFields = 256
)

// Form reads the parameters of a request: of the query for GET and HEAD, of the
// body for all else, and never both mixed, since RFC 6749 3.2 and 4.1.1 know one
// place each. max is the greatest body in bytes, 64 KiB if zero; the route's
// MaxBody is a wall outside it. At most 256 fields; every name and value is
// valid UTF-8 without NUL (H169). Names mean nothing but themselves: "a[9]" is no list.
// Repeated names stand in Values; Single refuses them. Reading again gives the
// same values.
func Form(r *http.Request, max int64) (url.Values, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return Query(r)
	}
	s := scopeOf(r)
	if s != nil && s.form != nil {
		return s.form, nil
	}
	if err := media(r, func(t string) bool { return t == "application/x-www-form-urlencoded" }); err != nil {
		return nil, err
	}
	body, err := Body(r, sized(max, formBytes))
	if err != nil {
		return nil, err
	}
	v, err := parseForm(string(body))
	if err == nil && s != nil {
		s.form = v
	}
	return v, err
}

// Query reads the parameters of the query, under the rules of Form.
func Query(r *http.Request) (url.Values, error) { return parseForm(r.URL.RawQuery) }

// Single is the value of a parameter that may be given once (RFC 6749 3.1); ""
// when it is absent.
func Single(v url.Values, name string) (string, error) {
	switch values := v[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", ErrRepeated.At(name)
}

// Body reads the whole body, at most max bytes.
func Body(r *http.Request, max int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > max {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, max+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || int64(len(body)) > max:
		return nil, ErrTooLarge
	case err != nil:
		return nil, ErrRequest.Because(err)
	}
	return body, nil
}

func sized(max, standard int64) int64 {
	if max <= 0 {
		return standard
	}
	return max
}

// media refuses a body of another type than the accepted ones, and text in
// another charset than UTF-8.
func media(r *http.Request, accepted func(string) bool) error {
	line, one := only(r.Header, "Content-Type")
	kind, params, err := mime.ParseMediaType(line)
	if !one || err != nil || !accepted(kind) {
		return ErrMedia
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return ErrMedia
	}
	return nil
}

// parseForm reads application/x-www-form-urlencoded as the URL Standard writes
// it: pairs parted by "&" alone, "+" for a space, percent-encoded UTF-8.
func parseForm(raw string) (url.Values, error) {
	v := url.Values{}
	if strings.Count(raw, "&") >= formFields {
		return nil, ErrTooLarge
	}
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = unescape(value); err != nil {
			return nil, err
		}
		v[name] = append(v[name], value)
	}
	return v, nil
}

func unescape(s string) (string, error) {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return "", ErrForm
	}
	return plain, checkText(plain)
}
