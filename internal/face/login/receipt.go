package login

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/consent"
)

const (
	checkPath  = "/receipt"
	maxReceipt = 64 << 10 // bytes of the form, with a file
)

// ReceiptCheck is where anybody sees whether a consent receipt is real. What is
// brought is looked at and kept nowhere.
type ReceiptCheck struct {
	ui.Shell
	Result *ui.Notice
	Facts  *ui.KeyValue
	Field  ui.Textarea
	Submit ui.Button
}

// Template names the page's file.
func (ReceiptCheck) Template() string { return "login/receipt" }

func (l *Login) askReceipt(w http.ResponseWriter, r *http.Request) error {
	return l.ui.Render(w, r, http.StatusOK, receiptPage(l.ui.Shell(r, ui.Visit{Part: "login"}), "", nil, nil))
}

// checkReceipt verifies what was pasted, or else the file.
func (l *Login) checkReceipt(w http.ResponseWriter, r *http.Request) error {
	brought, err := receiptIn(r)
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	found, err := consent.OpenReceipt(of(r), brought)
	p := receiptPage(s, brought, &found, err)
	status := http.StatusOK
	if err != nil {
		status = http.StatusUnprocessableEntity
	}
	return l.ui.Render(w, r, status, p)
}

// receiptIn is the receipt of a plain form, or of one with a file.
func receiptIn(r *http.Request) (string, error) {
	var form url.Values
	var files map[string][]byte
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		form, files, err = web.Upload(r, maxReceipt)
	} else {
		form, err = web.Form(r, maxReceipt)
	}
	if err != nil {
		return "", err
	}
	text, err := web.Single(form, "receipt")
	if text = strings.TrimSpace(text); text == "" {
		text = strings.TrimSpace(string(files["file"]))
	}
	return text, err
}

// receiptPage is the page before (found is nil) and after.
func receiptPage(s ui.Shell, brought string, found *consent.Receipt, wrong error) ReceiptCheck {
	s.Layout = ui.Document
	p := ReceiptCheck{Shell: s}
	p.Title = p.T("login.receipt.title")
	p.Field = ui.Textarea{Name: "receipt", Label: p.T("login.receipt.paste"), Value: brought, Rows: 6, Optional: true}
	p.Submit = ui.Button{Text: p.T("login.receipt.check"), Kind: "primary"}
	switch {
	case found == nil:
	case wrong != nil:
		p.Result = &ui.Notice{Kind: "danger", Title: p.T("login.receipt.bad"), Text: p.T("login.receipt.bad_text", "name", p.Look.Name)}
	default:
		p.Result = &ui.Notice{Kind: "ok", Title: p.T("login.receipt.good"), Text: p.T("login.receipt.good_text", "name", p.Look.Name)}
		p.Facts = receiptFacts(p.Shell, found)
	}
	return p
}

func receiptFacts(s ui.Shell, r *consent.Receipt) *ui.KeyValue {
	e := r.Decision()
	rows := []ui.Pair{
		{Key: s.T("login.receipt.decision"), Value: s.T("login.receipt." + decided(e.Type))},
		{Key: s.T("login.receipt.purpose"), Value: r.Processing.Purpose.Title},
	}
	if at, err := time.Parse(time.RFC3339, e.At); err == nil {
		rows = append(rows, ui.Pair{Key: s.T("login.receipt.at"), HTML: s.DateTime(at)})
	}
	if n := r.Processing.Purpose.Version; n > 0 {
		rows = append(rows, ui.Pair{Key: s.T("login.receipt.version"), Value: strconv.FormatInt(n, 10)})
	}
	var data, who []string
	for _, d := range r.Processing.Data {
		data = append(data, d.Name)
	}
	for _, party := range r.Processing.Recipients {
		who = append(who, party.Name)
	}
	for _, row := range []struct {
		key  string
		list []string
	}{{"login.receipt.data", data}, {"login.receipt.who", who}} {
		if len(row.list) > 0 {
			rows = append(rows, ui.Pair{Key: s.T(row.key), Value: s.List(row.list)})
		}
	}
	return &ui.KeyValue{Rows: append(rows, ui.Pair{Key: s.T("login.receipt.id"), Value: r.Identifier, Ltr: true})}
}

// decided is the word for a status in terms of the Data Privacy Vocabulary.
func decided(status string) string {
	switch status {
	case "dpv:ConsentGiven", "dpv:LegitimateInterestNotObjected":
		return "given"
	case "dpv:ConsentRefused", "dpv:LegitimateInterestObjected":
		return "objected"
	case "dpv:ConsentExpired":
		return "expired"
	}
	return "withdrawn"
}

func receiptSpecimens(s *ui.Sample) []ui.Specimen {
	r := &consent.Receipt{Identifier: consent.ID{7}.String()}
	r.Events = []consent.ReceiptEvent{{Type: "dpv:ConsentGiven", At: "2026-03-01T09:00:00Z"}}
	r.Processing.Purpose = consent.ReceiptPurpose{ID: "news", Version: 2, Title: "News from the garden"}
	r.Processing.Data = []consent.ReceiptData{{Name: "email"}, {Name: "garden"}}
	r.Processing.Recipients = []consent.ReceiptParty{{Name: "Last Mile"}}
	token := strings.Repeat("eyJhbGciOiJFUzI1NiJ9", 30)
	return []ui.Specimen{
		{Name: "login/receipt", State: "empty", Page: receiptPage(s.Shell(), "", nil, nil)},
		{Name: "login/receipt", State: "typical", Page: receiptPage(s.Shell(), token, r, nil)},
		{Name: "login/receipt", State: "error", Page: receiptPage(s.Shell(), token, r, web.ErrForm)},
	}
}
