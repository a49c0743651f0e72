package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// most is the most questions of one batch.
const most = 1000

// The faults of questions.
var (
	errNone = fault.New(fault.Invalid, "no_questions", "questions has 1 to 1,000 questions.").At("questions")
	errWho  = fault.New(fault.Invalid, "bad_question", "A question names a channel, a topic, and one of address and sub.")
)

// question asks whether somebody may be contacted on a channel for a topic.
type question struct {
	Address string          `json:"address"`
	Sub     string          `json:"sub"`
	Channel consent.Channel `json:"channel"`
	Topic   string          `json:"topic"`
	Links   bool            `json:"links"` // with what a mail about it must carry
}

type questions struct {
	Questions []question `json:"questions"`
}

type answer struct {
	Allowed   bool              `json:"allowed"`
	Reason    string            `json:"reason,omitempty"`
	Until     string            `json:"until,omitempty"` // RFC 3339
	Frequency string            `json:"frequency,omitempty"`
	Manage    string            `json:"preferences_url,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
}

type answers struct {
	Answers []answer `json:"answers"`
}

// contactCheck answers a batch in its order, from one snapshot.
func (a *API) contactCheck(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	who, err := a.Caller(r, scopeCheck)
	if err != nil {
		return err
	}
	var asked questions
	if err := web.ReadJSON(r, 1<<20, &asked); err != nil {
		return err
	}
	if err := asked.wrong(); err != nil {
		return err
	}
	var out answers
	err = a.DB.View(r.Context(), func(tx *db.Tx) error {
		out.Answers = make([]answer, len(asked.Questions))
		for i, q := range asked.Questions {
			if out.Answers[i], err = ask(tx, t, who, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	web.Record(r).Add("questions", len(asked.Questions))
	a.count(t, who, "contact.checked", "batch")
	return web.JSON(w, http.StatusOK, out)
}

func (q *questions) wrong() error {
	if len(q.Questions) == 0 || len(q.Questions) > most {
		return errNone
	}
	for i, one := range q.Questions {
		if one.Topic == "" || one.Channel == "" || (one.Address == "") == (one.Sub == "") {
			return errWho.At("questions[" + strconv.Itoa(i) + "]")
		}
	}
	return nil
}

func ask(tx *db.Tx, t *tenant.Tenant, who *app.Application, q question) (answer, error) {
	got, err := consent.Check(tx, t, who, consent.Question{Address: q.Address, Subject: q.Sub, Topic: q.Topic, Channel: q.Channel})
	if err != nil {
		return answer{}, err
	}
	out := answer{Allowed: got.Allowed, Reason: got.Reason, Frequency: got.Frequency}
	if !got.Until.IsZero() {
		out.Until = got.Until.UTC().Format(time.RFC3339)
	}
	if !q.Links || !got.Allowed || got.Digest == ([32]byte{}) || q.Channel != consent.ByEmail {
		return out, nil
	}
	return out, out.link(tx, t, got.Digest, q)
}

// link adds what the company's own mail about the topic must carry.
func (a *answer) link(tx *db.Tx, t *tenant.Tenant, digest [32]byte, q question) error {
	manage, err := consent.LinkFor(tx, t, consent.ToManage, digest, q.Topic, q.Channel)
	if err != nil {
		return err
	}
	a.Manage = manage.URL(t)
	end, err := consent.LinkFor(tx, t, consent.ToUnsubscribe, digest, q.Topic, q.Channel)
	a.Headers = end.Headers(t)
	return err
}
