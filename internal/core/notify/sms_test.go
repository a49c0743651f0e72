package notify

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/cardea-id/cardea/internal/base/fault"
)

type posted struct {
	url    string
	header map[string]string
	body   map[string]any
}

func smsTo(t *testing.T, g Gateway, status int, fail error, got *posted) *SMS {
	t.Helper()
	return &SMS{
		Gateway: func(Envelope) (Gateway, error) { return g, nil },
		Post: func(_ context.Context, url string, header map[string]string, body []byte) (int, error) {
			got.url, got.header, got.body = url, header, nil
			if err := json.Unmarshal(body, &got.body); err != nil {
				t.Errorf("%s: %v", body, err)
			}
			return status, fail
		},
	}
}

func TestTextMessageCannotChangeTheRequest(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", `{"to":"{to}","from":"{from}","text":"{text}"}`} {
		var got posted
		g := Gateway{URL: "https://sms.test/send", From: "Fern", Body: body, Header: map[string]string{"Authorization": "Bearer x"}}
		text := "482913 \"},{\"to\":\"+491\"} {to}\n\\"
		e := Envelope{ID: "m1", To: "+4915112345678", Rendered: Rendered{Text: text}}
		if err := smsTo(t, g, 202, nil, &got).Send(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		if got.url != g.URL || got.header["Authorization"] != "Bearer x" || got.header["Idempotency-Key"] != "m1" {
			t.Errorf("%+v", got)
		}
		if len(got.body) != 3 || got.body["to"] != e.To || got.body["from"] != "Fern" || got.body["text"] != text {
			t.Errorf("%+v", got.body)
		}
	}
}

func TestGatewayBodyKeepsItsShape(t *testing.T) {
	t.Parallel()
	var got posted
	g := Gateway{URL: "https://sms.test", Body: `{"messages":[{"to":["{to}"],"body":"<{text}>"}],"n":1,"ok":true}`}
	e := Envelope{To: "+491", Rendered: Rendered{Text: "hi"}}
	if err := smsTo(t, g, 200, nil, &got).Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	want := `{"messages":[{"body":"<hi>","to":["+491"]}],"n":1,"ok":true}`
	var tree any
	_ = json.Unmarshal([]byte(want), &tree)
	a, _ := json.Marshal(got.body)
	b, _ := json.Marshal(tree)
	if string(a) != string(b) {
		t.Errorf("%s", a)
	}
}

func TestAnswersOfTheGateway(t *testing.T) {
	t.Parallel()
	var got posted
	for status, kind := range map[int]fault.Kind{
		400: fault.Gone, 401: fault.Gone, 404: fault.Gone, 301: fault.Gone,
		408: fault.Unavailable, 429: fault.Unavailable, 500: fault.Unavailable, 503: fault.Unavailable,
	} {
		err := smsTo(t, Gateway{URL: "https://x"}, status, nil, &got).Send(context.Background(), Envelope{})
		if !fault.Is(err, kind) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if err := smsTo(t, Gateway{URL: "https://x"}, 0, errors.New("cut"), &got).Send(context.Background(), Envelope{}); !errors.Is(err, ErrRelay) {
		t.Error(err)
	}
	if err := smsTo(t, Gateway{}, 200, nil, &got).Send(context.Background(), Envelope{}); !errors.Is(err, ErrUnconfigured) {
		t.Error(err)
	}
	if err := smsTo(t, Gateway{URL: "https://x", Body: "{"}, 200, nil, &got).Send(context.Background(), Envelope{}); !errors.Is(err, ErrUnconfigured) {
		t.Error(err)
	}
}
