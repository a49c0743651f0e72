package login

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Bot is what a form carries against robots: the task that the browser works on
// while somebody types, the instant at which the page was made (which the task
// holds under its MAC), a field that nobody sees and programs like to fill in,
// and, where the operator chose one, another company's widget.
type Bot struct {
	Task       string
	Works      bool   // the browser is to do the work
	For        string // the value of the button that needs it; "" for any
	Wait       int    // for how many seconds at most a submit waits for the work
	Busy       string // what the button says meanwhile
	Unscripted string // said where scripts are off and the work is demanded
	Widget     *Widget
}

// The names of the fields.
const (
	taskField = "task"
	workField = "work"
	lureField = "topic" // no browser and no password manager has anything to put there
)

// moment and long are how many seconds a submit may wait for the work: a moment
// where it would be taken without, and long enough for an old phone where not.
const (
	moment = 2
	long   = 20
)

// bot makes what the form of a step carries, and lets the page work on it. At
// the front door, which is to be light, it does only where it must.
func (v *visit) bot(tx *db.Tx, s *ui.Shell, step signin.Name) (*Bot, error) {
	if v.t.Settings.Bots.Off {
		return nil, nil
	}
	if v.sample != nil {
		return botOf(s, v.t, step, risk.Load{}, "specimen"), nil
	}
	load, err := v.load(tx, step)
	if err != nil {
		return nil, err
	}
	task := risk.NewWork(tx.Now, v.t, string(step), v.id, load.Bits(v.t))
	return botOf(s, v.t, step, load, task.String()), nil
}

func botOf(s *ui.Shell, t *tenant.Tenant, step signin.Name, load risk.Load, task string) *Bot {
	b := &Bot{Task: task, Wait: moment, Busy: s.T("login.bot.busy")}
	demanded := load.Demands(t)
	if step == signin.Identify {
		b.For = string(signin.Password)
	}
	if demanded {
		b.Wait, b.Unscripted = long, s.T("login.bot.noscript")
	}
	p, foreign := providers[t.Settings.Bots.Provider]
	if foreign && demanded && step == signin.Password {
		b.Widget = p.widget(s, t.Settings.Bots)
	}
	b.Works = !foreign && (demanded || step == signin.Password)
	if b.Works {
		s.CSP.Worker, s.Scripts = true, append(s.Scripts, "js/work.js")
	}
	return b
}

// load is how busy the visitor's network and the tenant are with passwords, and
// whether a verdict asks this visitor for work.
func (v *visit) load(tx *db.Tx, step signin.Name) (risk.Load, error) {
	l, err := risk.LoadOf(tx, v.t, network(v.r))
	l.Asked = v.flow.Verdict != ""
	if err != nil || !l.Demands(v.t) {
		return l, err
	}
	if familiar, err := v.familiar(tx, step); err != nil || familiar {
		return risk.Load{}, err
	}
	return l, nil
}

// familiar tells whether the browser has signed in here before: at the door with
// any account that it was asked to remember, and at the password with that very
// account. For an address that nobody has it is no, as it is for a stranger to
// one that somebody has (H077).
func (v *visit) familiar(tx *db.Tx, step signin.Name) (bool, error) {
	if step == signin.Identify {
		return len(known(v.r)) > 0, nil
	}
	return risk.Familiar(tx, v.t, v.flow.World.Account.ID.String(), v.gadget())
}

// gadget is the browser as meters know it.
func (v *visit) gadget() string {
	d := device(v.browser)
	return hex.EncodeToString(d[:])
}

// workAtDoor is work for who goes on from the door to the password.
func (v *visit) workAtDoor() error {
	var load risk.Load
	err := v.l.db.Look(v.r.Context(), func(tx *db.Tx) (err error) {
		load, err = v.load(tx, signin.Identify)
		return err
	})
	if err == nil {
		_, err = v.work(signin.Identify, load)
	}
	return err
}

// work lets a try at a password pass that needs no work under this load, or
// brings it. It comes before everything that the try costs the house, so that who
// brings none fills no customer's meter. What was brought is used up, whatever
// comes of the try; done tells that it was. Faults: ErrWork, ErrWorkOver; with
// another company's widget, errRobot and errUnchecked.
func (v *visit) work(step signin.Name, load risk.Load) (done bool, err error) {
	if !load.Demands(v.t) {
		return false, nil
	}
	if p, foreign := providers[v.t.Settings.Bots.Provider]; foreign {
		if step != signin.Password {
			return false, nil // the widget stands beside the password
		}
		return true, p.vouches(v)
	}
	w, ok := risk.OpenWork(v.t, string(step), v.id, v.typed(taskField))
	if !ok {
		return false, risk.ErrWork
	}
	if err := w.Check(v.l.db.Now(), load.Bits(v.t), v.typed(workField)); err != nil {
		return false, err
	}
	return true, risk.TakeWork(v.r.Context(), v.l.db, v.t, w)
}

// passwordTry meters a guess at a password by account, network and browser.
func (v *visit) passwordTry(account, network string) []risk.Meter {
	return risk.FromDevice(risk.PasswordTry(account, network), account, v.gadget())
}

// codeTry meters a guess at a one-time code the same way.
func (v *visit) codeTry(account, network string) []risk.Meter {
	return risk.FromDevice(risk.CodeTry(account, network), account, v.gadget())
}

// secondTry meters a guess at a second factor the same way.
func (v *visit) secondTry(account, network string) []risk.Meter {
	return risk.FromDevice(risk.SecondTry(account, network), account, v.gadget())
}

// Marks are what in a request looks like a program's. None of them refuses
// anything, nor changes what the answer looks like: they are for core/risk to
// weigh.
type Marks struct {
	Lured    bool // the field that nobody sees was filled in
	Hasty    bool // the form came back sooner than anybody types
	Headless bool // the browser says that nobody looks at it
	Robot    bool // the User-Agent is that of a tool, or none
	Bare     bool // headers are missing that every browser sends
}

// List names the marks as risk.Attempt.Automation knows them.
func (m Marks) List() (out []string) {
	for _, one := range []struct {
		set  bool
		name string
	}{{m.Lured, risk.Lured}, {m.Hasty, risk.Hasty}, {m.Headless, risk.Headless}, {m.Robot, risk.Robot}, {m.Bare, risk.Bare}} {
		if one.set {
			out = append(out, one.name)
		}
	}
	return out
}

// hasty is how soon after its page a form is a program's. A password manager
// that fills in and sends may be as quick, which is why it is a mark and no more.
const hasty = time.Second

// marks reads the marks of the request.
func (v *visit) marks() Marks {
	m := Marks{Lured: v.typed(lureField) != "", Headless: headless(v.r), Robot: tool(web.UserAgent(v.r)), Bare: bare(v.r.Header)}
	if w, ok := risk.OpenWork(v.t, v.r.PathValue("step"), v.id, v.typed(taskField)); ok {
		m.Hasty = v.l.db.Now().Sub(w.Issued()) < hasty
	}
	return m
}

func headless(r *http.Request) bool {
	said := web.UserAgent(r) + r.Header.Get("Sec-CH-UA")
	return strings.Contains(said, "Headless") || strings.Contains(said, "PhantomJS")
}

// tools are words in the User-Agents of programs. Browsers for the terminal are
// none of them: people use those, some because they cannot see.
var tools = []string{
	"bot", "crawl", "spider", "scrapy", "curl/", "wget/", "httpie/", "python", "go-http-client", "java/", "okhttp", "libwww-perl",
	"apache-httpclient", "axios/", "node-fetch", "undici", "postman", "insomnia", "ruby", "guzzle", "perl", "selenium", "puppeteer", "playwright",
}

func tool(agent string) bool {
	agent = strings.ToLower(agent)
	for _, word := range tools {
		if strings.Contains(agent, word) {
			return true
		}
	}
	return agent == ""
}

func bare(h http.Header) bool {
	return h.Get("Accept") == "" || h.Get("Accept-Language") == "" || h.Get("Accept-Encoding") == ""
}
