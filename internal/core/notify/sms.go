package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Gateway is an HTTP service that sends text messages: one POST for each.
type Gateway struct {
	URL    string
	Header map[string]string // whole values; secrets are resolved already
	From   string
	Body   string // JSON with "{to}", "{from}" and "{text}" in its strings; "" is {"to":…,"from":…,"text":…}
}

// Post sends one request through the guarded client of base/outbound and
// returns the status of the answer.
type Post func(ctx context.Context, url string, header map[string]string, body []byte) (status int, err error)

// SMS sends text messages through a gateway.
type SMS struct {
	Post    Post
	Gateway func(Envelope) (Gateway, error) // the gateway of the envelope's tenant
}

const plainBody = `{"to":"{to}","from":"{from}","text":"{text}"}`

// Send hands one text message to its gateway. 2xx is success, 408, 429 and 5xx
// are tried again, every other status ends the message.
func (s *SMS) Send(ctx context.Context, e Envelope) error {
	g, err := s.Gateway(e)
	if err != nil {
		return err
	}
	if g.URL == "" {
		return ErrUnconfigured
	}
	body, err := g.body(e)
	if err != nil {
		return err
	}
	header := map[string]string{"Content-Type": "application/json", "Idempotency-Key": e.ID}
	for name, value := range g.Header {
		header[name] = value
	}
	status, err := s.Post(ctx, g.URL, header, body)
	switch {
	case err != nil:
		return ErrRelay.Because(err)
	case status >= 200 && status < 300:
		return nil
	case status == 408 || status == 429 || status >= 500:
		return ErrRelay.Because(fmt.Errorf("gateway answered %d", status))
	}
	return ErrRefused.Because(fmt.Errorf("gateway answered %d", status))
}

// body fills the template inside its JSON strings, so that no word of a
// message can change the shape of the request.
func (g Gateway) body(e Envelope) ([]byte, error) {
	text := g.Body
	if text == "" {
		text = plainBody
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return nil, ErrUnconfigured.Because(err)
	}
	fill := strings.NewReplacer("{to}", e.To, "{from}", g.From, "{text}", e.Text)
	return json.Marshal(filled(tree, fill))
}

func filled(node any, fill *strings.Replacer) any {
	switch v := node.(type) {
	case string:
		return fill.Replace(v)
	case []any:
		for i := range v {
			v[i] = filled(v[i], fill)
		}
	case map[string]any:
		for k := range v {
			v[k] = filled(v[k], fill)
		}
	}
	return node
}
