package uitest

import (
	"strings"
	"testing"
)

const sound = `<!doctype html><html lang="en" dir="ltr"><head><meta name="viewport" content="width=device-width"><title>Sign in – Fern</title></head><body>
<a href="#main">Skip</a><main id="main"><h1>Sign in</h1><form method="post" action="/x" novalidate><label for="identifier">Email</label>
<input id="identifier" name="identifier" type="email" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" dir="ltr" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="button" hidden aria-pressed="false" data-reveal="password">Show</button><button>Go on</button></form>
<p id="live" role="status"></p></main></body></html>`

func TestASoundPagePasses(t *testing.T) {
	t.Parallel()
	if told := Lint(sound); len(told) > 0 {
		t.Error(strings.Join(told, "\n"))
	}
}

// Each row breaks the sound page in one way; the linter has to tell it.
func TestEachFaultIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{`lang="en"`, ``, "27: html has no lang"},
		{`dir="ltr"><head>`, `dir="rtl"><head>`, "39: the direction rtl"},
		{`lang="en" dir="ltr"`, `lang="ar" dir="ltr"`, "39: the direction ltr"},
		{`<h1>Sign in</h1>`, `<h2>Sign in</h2>`, "0 h1"},
		{`<h1>Sign in</h1>`, `<h1>Sign in</h1><h3>Deep</h3>`, "h3 follows h1"},
		{`<a href="#main">Skip</a>`, ``, "does not skip"},
		{`role="status"`, ``, "24:"},
		{`<h1>`, `<h1 style="color:red">`, "attribute style"},
		{`<h1>`, `<h1 onclick="x()">`, "attribute onclick"},
		{`<h1>`, `<script>x()</script><h1>`, "inline script"},
		{`<h1>`, `<img src="https://elsewhere.example/x.png" alt=""><h1>`, "50:"},
		{`<h1>`, `<img src="/x.png"><h1>`, "without alt"},
		{`<h1>`, `<svg></svg><h1>`, "an svg"},
		{`<h1>`, `<a href="javascript:x()">y</a><h1>`, "javascript"},
		{`<h1>`, `<a href="/x"></a><h1>`, "28: a link without words"},
		{`<h1>`, `<time>now</time><h1>`, "42:"},
		{`<h1>`, `<p id="live"></p><h1>`, "stands twice"},
		{`<h1>`, `<p>⟦login.title⟧</p><h1>`, "a word is missing"},
		{`<h1>`, `<table><tr><th>x</th></tr></table><h1>`, "without scope"},
		{`<h1>`, `<p aria-describedby="nowhere">x</p><h1>`, "leads nowhere"},
		{` novalidate`, ``, "23: the form"},
		{`<button>Go on</button>`, `<button disabled>Go on</button>`, "is disabled"},
		{`<button>Go on</button>`, ``, "48:"},
		{`<button>Go on</button>`, `<button></button>`, "a button without a name"},
		{`method="post"`, `method="get"`, "a password in a GET"},
		{`method="post"`, ``, "without a method"},
		{`action="/x"`, `action="https://elsewhere.example"`, "54: a form sends"},
		{`<label for="identifier">Email</label>`, ``, "has no label"},
		{`username webauthn`, `email`, "has the tokens"},
		{`username webauthn`, `username`, "1: the identifier"},
		{`username webauthn`, `off`, "7: autocomplete=off"},
		{`current-password`, `password`, "2: password has autocomplete"},
		{`current-password`, `new-password`, "passwordrules"},
		{`type="password"`, `type="password" value="x"`, "22:"},
		{`<button type="button" hidden aria-pressed="false" data-reveal="password">Show</button>`, ``, "8:"},
		{`<button>Go on</button>`, `<label for="confirm_password">Again</label><input id="confirm_password" name="confirm_password"><button>x</button>`, "4:"},
		{`<button>Go on</button>`, `<label for="code">Code</label><input id="code" name="code" autocomplete="one-time-code"><button>x</button>`, "3:"},
		{`<button>Go on</button>`, `<label for="a">A</label><input id="b" name="a"><button>x</button>`, "6: the id"},
		{`<button>Go on</button>`, `<label for="given_name">A</label><input id="given_name" name="given_name"><button>x</button>`, "5: given_name"},
		{`type="email"`, `type="email" aria-invalid="true"`, "19: fields have errors"},
		{`<h1>`, `<div id="problems" role="alert" tabindex="-1"><h2 id="problems-title">Problem</h2><a href="#identifier">Wrong</a></div><h1>`, "20: the field identifier"},
		{`<h1>`, `<div id="problems"><h2 id="problems-title">Problem</h2></div><h1>`, "21: the title"},
		{`required>`, `required autofocus>`, "29:"},
	} {
		page := strings.Replace(sound, c.old, c.new, 1)
		if c.want == "29:" {
			page = strings.ReplaceAll(sound, c.old, c.new)
		}
		if page == sound {
			t.Errorf("%q is not in the page", c.old)
		}
		if told := strings.Join(Lint(page), "\n"); !strings.Contains(told, c.want) {
			t.Errorf("%s → %s: %q is not told in %q", c.old, c.new, c.want, told)
		}
	}
}
