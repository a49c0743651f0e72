package web

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Refusals of the rim. Their codes are public and stable; Status knows them.
var (
	ErrRequest    = fault.New(fault.Invalid, "bad_request", "The request cannot be read.")
	ErrText       = fault.New(fault.Invalid, "bad_text", "The request holds text that is not valid UTF-8.")
	ErrForm       = fault.New(fault.Invalid, "bad_form", "The form cannot be read.")
	ErrJSON       = fault.New(fault.Invalid, "bad_json", "The JSON body cannot be read.")
	ErrRepeated   = fault.New(fault.Invalid, "repeated", "A parameter is given more than once.")
	ErrTooLarge   = fault.New(fault.Invalid, "too_large", "The request is larger than allowed.")
	ErrMedia      = fault.New(fault.Invalid, "unsupported_media_type", "The body has a content type that is not accepted here.")
	ErrMethod     = fault.New(fault.Invalid, "method_not_allowed", "This address does not answer this method.")
	ErrHost       = fault.New(fault.NotFound, "wrong_host", "Nothing is served under this host name.")
	ErrPath       = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	ErrCrossSite  = fault.New(fault.Denied, "cross_site", "This request came from another site and was refused. Open the page again and retry.")
	ErrPlainHTTP  = fault.New(fault.Denied, "https_required", "This address is served over HTTPS only.")
	errPanic      = fault.New(fault.Internal, "internal", "Something went wrong on our side. Try again in a moment.")
	statusOfKind  = [...]int{fault.Invalid: 400, fault.Unauthenticated: 401, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Gone: 410, fault.Limited: 429, fault.Unavailable: 503, fault.Internal: 500}
	statusOfFault = map[*fault.Error]int{ErrTooLarge: 413, ErrMedia: 415, ErrMethod: 405, ErrHost: 421}
)

// Handler answers a request or returns why not; it never writes an error
// itself. The rim turns the error into a fault and hands it to the teller.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Teller renders a fault in one face's own tongue (a page, RFC 6749 JSON, SCIM,
// RFC 9457). It must not fail; Retry-After and the baseline headers are set
// already. It shows err.Text or its own words for err.Code, never err.Err.
type Teller func(w http.ResponseWriter, r *http.Request, err *fault.Error)

// Status is the HTTP status of a fault: by its kind, and for the rim's own
// refusals by what HTTP has a status for (405, 413, 415, 421).
func Status(err *fault.Error) int {
	for own, status := range statusOfFault {
		if own.Is(err) {
			return status
		}
	}
	if int(err.Kind) < len(statusOfKind) && statusOfKind[err.Kind] != 0 {
		return statusOfKind[err.Kind]
	}
	return http.StatusInternalServerError
}

// Plain tells a fault as one line of text with the request's reference. It is
// the teller of last resort, used where no tenant and no face is known.
func Plain(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(Status(err))
	_, _ = io.WriteString(w, err.Text+"\nReference: "+Reference(r)+"\n")
}

// faultOf is fault.Of, except that a body that outgrew the route's limit is the
// client's doing, wherever the handler met it.
func faultOf(err error) *fault.Error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return ErrTooLarge.Because(err)
	}
	return fault.Of(err)
}

// prepare undoes what a failed handler said about the answer it did not give,
// and sets what every teller would.
func prepare(h http.Header, err *fault.Error) {
	for _, name := range []string{"Location", "Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if err.Retry > 0 && (err.Kind == fault.Limited || err.Kind == fault.Unavailable) {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(err.Retry.Seconds())), 10))
	}
}

// seconds renders a duration for headers that count in whole seconds.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// only reports the one value of a header; several lines of it are no value.
func only(h http.Header, name string) (value string, ok bool) {
	all := h.Values(name)
	if len(all) != 1 {
		return "", len(all) == 0
	}
	return strings.TrimSpace(all[0]), true
}
