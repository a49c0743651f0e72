package risk

import (
	"slices"
	"strings"
	"time"
)

// Limit lets Burst tries through at once and one more per Every. In any half-open
// span of Every at most Burst tries pass a meter that was empty before.
type Limit struct {
	Name  string
	Every time.Duration
	Burst int
}

// span is how long a full meter takes to run empty.
func (l Limit) span() time.Duration { return l.Every * time.Duration(l.Burst) }

// message tells whether the limit is a budget of messages rather than of tries.
func (l Limit) message() bool {
	return strings.HasPrefix(l.Name, "mail.") || strings.HasPrefix(l.Name, "sms.")
}

// The limits of the house. They are fixed: an operator who could loosen them
// would, on the day of an attack that looks like customers. Per account and
// network is the tightest, so that one guesser meets it long before the account
// as a whole or the network as a whole does.
var (
	// Passwords: NIST SP 800-63B-4 section 3.2.2 allows 100 failures in a row.
	passwordHere    = Limit{"password.account_network", 5 * time.Minute, 10}
	passwordAccount = Limit{"password.account", 10 * time.Minute, 60}
	passwordNetwork = Limit{"password.network", 5 * time.Second, 200}
	passwordDevice  = Limit{"password.device", 20 * time.Second, 60}

	// Accounts that were tried and not got into, from one network and at the
	// whole tenant: what many guesses at many accounts look like when none of
	// the accounts and none of the networks sees many. They refuse nothing by
	// themselves; see attack.go.
	spreadNetwork = Limit{"spread.network", 2 * time.Minute, 60}
	spreadTenant  = Limit{"spread.tenant", 5 * time.Second, 120}

	// While the tenant is under attack, all strangers together may guess as
	// often as this; and those who did their proof of work as often as that.
	passwordStrangers = Limit{"password.strangers", time.Second, 30}
	passwordWorked    = Limit{"password.strangers_worked", 50 * time.Millisecond, 400}

	// One-time codes count their own five tries per code; these bound how often
	// one may begin anew.
	codeHere    = Limit{"code.account_network", 2 * time.Minute, 20}
	codeAccount = Limit{"code.account", 5 * time.Minute, 60}
	codeNetwork = Limit{"code.network", 5 * time.Second, 200}

	// Second factors: six digits of which three are right at any time. With one
	// guess every ten minutes it takes six years, on average, to find one.
	secondHere    = Limit{"second.account_network", 10 * time.Minute, 10}
	secondAccount = Limit{"second.account", 10 * time.Minute, 20}

	// What anybody may ask without proving anything.
	signUpNetwork = Limit{"signup.network", 30 * time.Second, 100}
	lookupNetwork = Limit{"lookup.network", 3 * time.Second, 200}
	flowNetwork   = Limit{"flow.network", 2 * time.Second, 300}

	// Applications that prove themselves wrongly. A right proof is forgiven, so
	// a busy application does not meet them.
	clientHere    = Limit{"client.application_network", 10 * time.Second, 60}
	clientNetwork = Limit{"client.network", 2 * time.Second, 300}

	// Messages. Three in any hour for one recipient and ten in any day, until
	// one of them is answered (Forgive): then it was not somebody else's doing.
	mailHour    = Limit{"mail.recipient_hour", time.Hour, 3}
	mailDay     = Limit{"mail.recipient_day", 288 * time.Minute, 5}
	mailDevice  = Limit{"mail.device", 10 * time.Minute, 10}
	mailNetwork = Limit{"mail.network", 10 * time.Second, 200}
	mailTenant  = Limit{"mail.tenant", 100 * time.Millisecond, 20000}

	// Text messages cost money, and premium numbers earn it: budgets also per
	// block of numbers (the number without its last four digits), and per range
	// (without the last seven) for messages that nobody answers. Customers answer
	// theirs, which gives it back; who pumps does not.
	smsHour  = Limit{"sms.recipient_hour", time.Hour, 3}
	smsDay   = Limit{"sms.recipient_day", 288 * time.Minute, 5}
	smsBlock = Limit{"sms.block", 10 * time.Minute, 10}
	smsRange = Limit{"sms.range", 20 * time.Second, 200}
	// A second factor is asked for after a first proof: strangers who use up a
	// number's budget at the front door must not silence it.
	smsSecondHour = Limit{"sms.second_hour", time.Hour, 5}
	smsSecondDay  = Limit{"sms.second_day", 144 * time.Minute, 10}

	smsNetwork = Limit{"sms.network", 5 * time.Minute, 10}
	smsTenant  = Limit{"sms.tenant", 2 * time.Second, 1000}
)

// Meter is one limit applied to one key.
type Meter struct {
	Limit Limit
	Key   string
	// Unless names marks made by Remember: while one stands, a full meter lets
	// pass. It keeps strangers from shutting a customer out of the networks and
	// browsers from which the customer is known to come.
	Unless []string

	attacked bool    // the meter counts only while the tenant is under attack
	first    []Meter // what the first try at this meter, when it was empty, counts at besides
	back     []Meter // what is given back when this meter is forgiven
}

// PasswordTry meters one guess at a password. The account is the customer's id
// or, for an unknown one, the typed identifier in canonical form: both are
// metered alike, so that limits tell nobody which accounts exist. See also
// FromDevice and Worked.
func PasswordTry(account, network string) []Meter {
	here := pair(account, network)
	known := []string{here}
	spread := Meter{Limit: spreadTenant, Unless: known}
	return []Meter{
		{Limit: passwordStrangers, Unless: known, attacked: true},
		{Limit: passwordHere, Key: here, first: from(network, spreadNetwork), back: append(from(network, spreadNetwork), spread)},
		{Limit: passwordNetwork, Key: network},
		{Limit: passwordAccount, Key: account, Unless: known, first: []Meter{spread}},
	}
}

// FromDevice adds to the meters of a try at an account what a browser's own id
// is good for: the browser as a whole is metered, and one that the account is
// known to use (Remember with DeviceKey) is not shut out by strangers. With no
// id it changes nothing.
func FromDevice(meters []Meter, account, device string) []Meter {
	if device == "" {
		return meters
	}
	out := make([]Meter, 0, len(meters)+1)
	for _, m := range meters {
		out = append(out, m.knowing(pair(account, DeviceKey(device))))
	}
	return append(out, Meter{Limit: passwordDevice, Key: device})
}

// DeviceKey is what Remember takes in place of a network to remember a browser.
func DeviceKey(device string) string { return "device\x00" + device }

func (m Meter) knowing(mark string) Meter {
	if len(m.Unless) > 0 {
		m.Unless = append(slices.Clone(m.Unless), mark)
	}
	m.first, m.back = knowingAll(m.first, mark), knowingAll(m.back, mark)
	return m
}

func knowingAll(meters []Meter, mark string) []Meter {
	var out []Meter
	for _, m := range meters {
		out = append(out, m.knowing(mark))
	}
	return out
}

// Worked widens the gate that stands while the tenant is under attack, for a
// try that brought its proof of work.
func Worked(meters []Meter) []Meter {
	out := slices.Clone(meters)
	for i, m := range out {
		if m.Limit == passwordStrangers {
			out[i].Limit = passwordWorked
		}
	}
	return out
}

// CodeTry meters one guess at a one-time code.
func CodeTry(account, network string) []Meter {
	return []Meter{
		{Limit: codeHere, Key: pair(account, network)},
		{Limit: codeNetwork, Key: network},
		{Limit: codeAccount, Key: account, Unless: []string{pair(account, network)}},
	}
}

// SecondTry meters one guess at a second factor, by who has given the first
// (H089, RFC 6238 section 5.2).
func SecondTry(account, network string) []Meter {
	return []Meter{
		{Limit: secondHere, Key: pair(account, network)},
		{Limit: codeNetwork, Key: network},
		{Limit: secondAccount, Key: account, Unless: []string{pair(account, network)}},
	}
}

// SignUp meters the making of an account.
func SignUp(network string) []Meter { return from(network, signUpNetwork) }

// Lookup meters questions whose answer depends on an identifier.
func Lookup(network string) []Meter { return from(network, lookupNetwork) }

// FlowStart meters the beginning of journeys, whose rows anybody can cause.
func FlowStart(network string) []Meter { return from(network, flowNetwork) }

// ClientTry meters one proof of an application; Forgive it when it was right.
func ClientTry(client, network string) []Meter {
	return []Meter{{Limit: clientHere, Key: pair(client, network)}, {Limit: clientNetwork, Key: network}}
}

// Mail meters one message to a canonical address, asked for from a network.
func Mail(address, network string) []Meter {
	own := []Meter{{Limit: mailHour, Key: address}, {Limit: mailDay, Key: address}, {Limit: mailTenant}}
	return append(own, from(network, mailNetwork)...)
}

// MailFor adds to the meters of a mail to an account that it is asked for with a
// browser: one that the account is known to use (Remember with DeviceKey) has a
// budget of its own, so that strangers who use up the recipient's keep nobody out
// whose way in is a mail (H137). With no id it changes nothing.
func MailFor(meters []Meter, account, device string) []Meter {
	if device == "" {
		return meters
	}
	out := slices.Clone(meters)
	for i, m := range out {
		if m.Limit == mailHour || m.Limit == mailDay {
			out[i].Unless = append(slices.Clone(m.Unless), pair(account, DeviceKey(device)))
		}
	}
	return append(out, Meter{Limit: mailDevice, Key: device})
}

// SMS meters one text message to a number in E.164 form.
func SMS(number, network string) []Meter {
	wide := Meter{Limit: smsRange, Key: number[:max(0, len(number)-7)]}
	return []Meter{
		{Limit: smsHour, Key: number, back: []Meter{wide}}, {Limit: smsDay, Key: number},
		{Limit: smsBlock, Key: number[:max(0, len(number)-4)]}, wide,
		{Limit: smsNetwork, Key: network}, {Limit: smsTenant},
	}
}

// SMSSecond meters one text message with a second factor, for who has given the
// first.
func SMSSecond(account, network string) []Meter {
	return []Meter{
		{Limit: smsSecondHour, Key: account}, {Limit: smsSecondDay, Key: account},
		{Limit: smsNetwork, Key: network}, {Limit: smsTenant},
	}
}

// from meters a network as a whole. A loopback address names none: it is this
// machine itself, or a proxy that trusted_proxies does not know, behind which
// everybody would share one meter. Guesses are metered all the same.
func from(network string, l Limit) []Meter {
	if network == "::/64" || strings.HasPrefix(network, "127.") {
		return nil
	}
	return []Meter{{Limit: l, Key: network}}
}

// pair joins two keys so that no other two give the same.
func pair(a, b string) string { return a + "\x00" + b }

// unpair takes what pair joined apart.
func unpair(joined string) (a, b string) {
	a, b, _ = strings.Cut(joined, "\x00")
	return a, b
}
