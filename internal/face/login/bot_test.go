package login

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// browserly are the headers that every browser sends.
func browserly() http.Header {
	return http.Header{
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"Accept":     {"text/html"}, "Accept-Language": {"en"}, "Accept-Encoding": {"gzip"},
	}
}

func TestMarksTellProgramsAndLeavePeopleAlone(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, dbtest.SQLite, false)
	id := signin.ID{1}
	task := risk.NewWork(h.D.Now(), h.T(), "password", id, 14).String()
	h.Wait(3 * time.Second)
	quick := risk.NewWork(h.D.Now(), h.T(), "password", id, 14).String()
	h.Wait(900 * time.Millisecond)
	for what, c := range map[string]struct {
		form   url.Values
		change map[string]string
		want   []string
	}{
		"a person":                    {url.Values{"task": {task}, "topic": {""}}, nil, nil},
		"somebody with Lynx":          {url.Values{"task": {task}}, map[string]string{"User-Agent": "Lynx/2.9.2 libwww-FM/2.14"}, nil},
		"somebody with w3m":           {url.Values{"task": {task}}, map[string]string{"User-Agent": "w3m/0.5.3"}, nil},
		"who fills everything in":     {url.Values{"task": {task}, "topic": {"cheap watches"}}, nil, []string{risk.Lured}},
		"who types faster than light": {url.Values{"task": {quick}}, nil, []string{risk.Hasty}},
		"a page of nobody's":          {url.Values{"task": {strings.Repeat("A", 78)}}, nil, nil},
		"a browser without a window":  {url.Values{"task": {task}}, map[string]string{"User-Agent": "Mozilla/5.0 HeadlessChrome/140.0.0.0 Safari/537.36"}, []string{risk.Headless}},
		"curl":                        {nil, map[string]string{"User-Agent": "curl/8.5.0", "Accept-Language": ""}, []string{risk.Robot, risk.Bare}},
		"nobody":                      {nil, map[string]string{"User-Agent": ""}, []string{risk.Robot}},
	} {
		r := &http.Request{Header: browserly(), URL: &url.URL{}}
		r.SetPathValue("step", "password")
		for name, value := range c.change {
			r.Header.Set(name, value)
		}
		v := &visit{l: &Login{db: h.D}, r: r, t: h.T(), id: id, form: c.form}
		if got := v.marks().List(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// What robots meet is met by neither keyboard nor screen reader nor autofill.
func TestTheLureIsOutOfEverybodysWay(t *testing.T) {
	t.Parallel()
	u := uitest.New(t, Part())
	for _, s := range Specimens(u.Sample(words.Source, nil)) {
		body, err := u.HTML(s.Page)
		if err != nil {
			t.Fatal(err)
		}
		_, field, found := strings.Cut(string(body), `name="topic"`)
		if !found {
			continue
		}
		field, _, _ = strings.Cut(field, ">")
		for _, want := range []string{`tabindex="-1"`, `aria-hidden="true"`, `autocomplete="off"`, "data-1p-ignore", "data-bwignore", `data-lpignore="true"`} {
			if !strings.Contains(field, want) {
				t.Errorf("%s, %s: the lure has no %s", s.Name, s.State, want)
			}
		}
	}
}

func TestAPageWorksAndOpensItsPolicyOnlyWhereItMust(t *testing.T) {
	t.Parallel()
	busy, rest := risk.Load{Network: .5}, risk.Load{}
	foreign := tenant.Bots{Provider: "hcaptcha", SiteKey: "key", Secret: "env:X"}
	for what, c := range map[string]struct {
		step                     signin.Name
		load                     risk.Load
		bots                     tenant.Bots
		works, widget, unscripts bool
	}{
		"the front door at rest":                 {signin.Identify, rest, tenant.Bots{}, false, false, false},
		"the front door under load":              {signin.Identify, busy, tenant.Bots{}, true, false, true},
		"the password at rest":                   {signin.Password, rest, tenant.Bots{}, true, false, false},
		"the password under load":                {signin.Password, busy, tenant.Bots{}, true, false, true},
		"a company at rest":                      {signin.Password, rest, foreign, false, false, false},
		"a company under load":                   {signin.Password, busy, foreign, false, true, true},
		"a company under load at the front door": {signin.Identify, busy, foreign, false, false, true},
	} {
		u := uitest.New(t, Part())
		s := u.Sample(words.Source, nil).Shell()
		b := botOf(&s, &tenant.Tenant{Settings: tenant.Settings{Bots: c.bots}}, c.step, c.load, "task")
		if b.Works != c.works || (b.Widget != nil) != c.widget || (b.Unscripted != "") != c.unscripts {
			t.Errorf("%s: %+v", what, b)
		}
		if s.CSP.Worker != c.works || (len(s.CSP.Foreign) > 0) != c.widget || len(s.Scripts) > 0 != (c.works || c.widget) {
			t.Errorf("%s: %+v, %v", what, s.CSP, s.Scripts)
		}
	}
}

func TestEveryProviderThatSettingsTakeIsKnown(t *testing.T) {
	t.Parallel()
	for name, p := range providers {
		s := tenant.Settings{Bots: tenant.Bots{Provider: name, SiteKey: "key", Secret: "env:X"}}
		if err := s.Check(false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var shell ui.Shell
		if p.widget(&shell, s.Bots).Class == "" || len(shell.CSP.Foreign) == 0 || p.verify == "" || p.field == "" {
			t.Errorf("%s is not whole", name)
		}
	}
	if len(providers) != 3 {
		t.Errorf("%d providers", len(providers))
	}
}

// The widget is no specimen: the gallery would ask its company.
func TestAPageWithAWidgetIsAPageLikeAnyOther(t *testing.T) {
	t.Parallel()
	u := uitest.New(t, Part())
	for name := range providers {
		for _, locale := range uitest.Locales() {
			v := specimen(u.Sample(locale, nil), mia, wrong(errRobot, "password", "x"))
			page := shown(v.passwordPage(nil)).(Password)
			page.Scripts = nil
			bots := tenant.Bots{Provider: name, SiteKey: `"><script>`, Secret: "env:X", Endpoint: "https://eu.frcapi.com/api/v2/captcha/siteverify"}
			page.Bot = botOf(&page.Shell, &tenant.Tenant{Settings: tenant.Settings{Bots: bots}}, signin.Password, risk.Load{Network: 1}, "task")
			body, err := u.HTML(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, told := range uitest.Lint(string(body)) {
				t.Errorf("%s, %s: %s", name, locale, told)
			}
			if !strings.Contains(string(body), providers[name].class) || strings.Contains(string(body), `"><script>`) {
				t.Errorf("%s: the widget is not there, or more than it", name)
			}
		}
	}
}
