package portal

import (
	"errors"
	"html/template"
	"slices"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/consent"
)

const preferencesPath = "/account/preferences"

// Preferences is the preference centre: topics by channels, how often, and when
// the customer is left in peace. A link of a mail opens it without the latter.
type Preferences struct {
	ui.Shell
	Lede   string
	Action string
	Hidden []ui.Component
	Heads  []string
	Rows   []TopicRow
	Often  []ui.Select
	Rest   *Rest
	Save   ui.SaveBar
	Empty  *ui.EmptyState
	Forget *ui.Button // by a link: leads to forgetting its address
}

// Template implements ui.Page.
func (Preferences) Template() string { return "portal/preferences" }

// TopicRow is one topic with a cell for each channel.
type TopicRow struct {
	Title, Text string
	Cells       []TopicCell
}

// TopicCell is one topic on one channel; without a value the topic does not use
// the channel.
type TopicCell struct {
	Value, Text, Label, Note string
	Checked                  bool
}

// Rest is when the customer is left in peace.
type Rest struct {
	Paused      template.HTML
	Pause       ui.Select
	From, Until ui.Select
	Zone        ui.Select
}

// chosen is what the page shows.
type chosen struct {
	Topics []consent.Topic
	List   []consent.Preference
	Rule   consent.Rule
	Only   string // kind of address that a link leads to; "": the customer is signed in
	Hidden []ui.Component
}

func (v *visit) preferences() error { return v.showPreferences(nil) }

func (v *visit) showPreferences(wrong error) error {
	f := chosen{Hidden: []ui.Component{v.mark()}}
	err := v.view(func(tx *db.Tx) (err error) {
		if f.Topics, err = consent.Topics(tx, v.t); err != nil {
			return err
		}
		if f.List, err = consent.Preferences(tx, v.t, v.me.CustomerID); err != nil {
			return err
		}
		f.Rule, err = consent.RuleOf(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	if f.Rule.Zone == "" {
		f.Rule.Zone = v.who.Zone
	}
	s := v.shell(preferencesPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newPreferences(s, preferencesPath, f)
	return v.renderWrong(p, p.Shell, wrong)
}

func newPreferences(s ui.Shell, action string, f chosen) Preferences {
	s.Title = s.T("portal.preference.title")
	p := Preferences{Shell: s, Action: action, Hidden: f.Hidden, Lede: s.T("portal.preference.lede", "name", s.Look.Name)}
	if f.Only != "" {
		p.Lede = s.T("portal.preference.lede_link", "name", s.Look.Name)
	}
	channels := channelsOf(f)
	if len(channels) == 0 {
		p.Empty = &ui.EmptyState{Title: s.T("portal.preference.empty"), Text: s.T("portal.preference.empty_text", "name", s.Look.Name)}
		return p
	}
	for _, c := range channels {
		p.Heads = append(p.Heads, s.T("portal.preference.channel."+string(c)))
	}
	for i := range f.Topics {
		p.add(&f.Topics[i], channels, f)
	}
	p.Save = ui.SaveBar{Save: ui.Button{Text: s.T("portal.preference.save"), Kind: "primary", Wait: s.T("portal.wait")}}
	if f.Only == "" {
		p.Rest = newRest(s, f.Rule)
	}
	return p
}

// channelsOf are the channels that any topic uses, as far as a link leads there.
func channelsOf(f chosen) (out []consent.Channel) {
	for _, c := range consent.Channels() {
		used := slices.ContainsFunc(f.Topics, func(d consent.Topic) bool { return d.Uses(c) })
		if used && (f.Only == "" || c.Kind() == f.Only) {
			out = append(out, c)
		}
	}
	return out
}

func (p *Preferences) add(d *consent.Topic, channels []consent.Channel, f chosen) {
	if !slices.ContainsFunc(channels, d.Uses) {
		return
	}
	w := d.In(string(p.Locale), string(p.Look.Locales[0]))
	row := TopicRow{Title: w.Title, Text: w.Text}
	often := ""
	for i, c := range channels {
		if !d.Uses(c) {
			row.Cells = append(row.Cells, TopicCell{})
			continue
		}
		was, there := wished(f.List, d.ID, c)
		cell := TopicCell{Value: d.ID + "." + string(c), Text: p.Heads[i], Checked: ticked(d, was, there)}
		cell.Label = p.T("portal.preference.cell", "topic", w.Title, "channel", p.Heads[i])
		if was.State == consent.Pending {
			cell.Note = p.T("portal.preference.pending")
		}
		often = first(often, was.Frequency)
		row.Cells = append(row.Cells, cell)
	}
	p.Rows = append(p.Rows, row)
	if len(d.Frequencies) > 1 {
		p.Often = append(p.Often, p.often(d, w.Title, often))
	}
}

func (p *Preferences) often(d *consent.Topic, title, value string) ui.Select {
	out := ui.Select{Name: "often-" + d.ID, Label: p.T("portal.preference.often", "topic", title), Value: first(value, d.Frequencies[0])}
	for _, f := range d.Frequencies {
		out.Options = append(out.Options, ui.Option{Value: f, Text: p.T("portal.preference.often." + f)})
	}
	return out
}

func wished(list []consent.Preference, topic string, c consent.Channel) (consent.Preference, bool) {
	i := slices.IndexFunc(list, func(p consent.Preference) bool { return p.Topic == topic && p.Channel == c })
	if i < 0 {
		return consent.Preference{}, false
	}
	return list[i], true
}

// ticked is whether messages come now: where nothing was decided, as the topic's
// basis has it.
func ticked(d *consent.Topic, was consent.Preference, there bool) bool {
	return was.State == consent.On || !there && !d.OptIn()
}

// keptPause leaves a pause as it is.
const keptPause = "keep"

func newRest(s ui.Shell, r consent.Rule) *Rest {
	out := &Rest{
		Pause: ui.Select{Name: "pause", Label: s.T("portal.preference.pause"), Hint: s.T("portal.preference.pause_hint")},
		From:  hours(s, "quiet_from", s.T("portal.preference.quiet_from"), r.QuietFrom),
		Until: hours(s, "quiet_until", s.T("portal.preference.quiet_until"), r.QuietUntil),
		Zone:  ui.Select{Name: "zone", Label: s.T("portal.preference.zone"), Value: first(r.Zone, s.Zone.String()), Options: zoneOptions(s)},
	}
	out.Until.Hint = s.T("portal.preference.quiet_hint")
	if r.PausedUntil.After(s.Now) {
		out.Paused, out.Pause.Value = s.Date(r.PausedUntil), keptPause
		out.Pause.Options = append(out.Pause.Options, ui.Option{Value: keptPause, Text: s.T("portal.preference.pause.keep")})
	}
	for _, months := range []string{"0", "1", "3", "6"} {
		out.Pause.Options = append(out.Pause.Options, ui.Option{Value: months, Text: s.T("portal.preference.pause." + months)})
	}
	return out
}

func hours(s ui.Shell, name, label string, minute int64) ui.Select {
	out := ui.Select{Name: name, Label: label, Value: strconv.FormatInt(minute, 10)}
	for h := range 24 {
		text := time.Date(2000, 1, 1, h, 0, 0, 0, time.UTC).Format("15:04")
		out.Options = append(out.Options, ui.Option{Value: strconv.Itoa(h * 60), Text: text})
	}
	return out
}

// savePreferences keeps all of the form at once.
func (v *visit) savePreferences() error {
	err := v.update(func(tx *db.Tx) error {
		c := v.me.CustomerID
		f := chosen{}
		var err error
		if f.Topics, err = consent.Topics(tx, v.t); err != nil {
			return err
		}
		if f.List, err = consent.Preferences(tx, v.t, c); err != nil {
			return err
		}
		wishes := wishesOf(v.form, f)
		where := consent.Where{Locale: string(v.shell(preferencesPath).Locale), Surface: "portal", Method: "form"}
		if err := consent.Prefer(tx, v.t, c, wishes, where); err != nil {
			return err
		}
		return v.saveRest(tx)
	})
	if errors.Is(err, consent.ErrBadRule) || errors.Is(err, consent.ErrFrequency) {
		return v.showPreferences(fault.Of(err).At("zone"))
	}
	if err != nil {
		return err
	}
	return v.to(preferencesPath + "?done=preferences")
}

// wishesOf are what the form changes. Only what the page showed counts, so that
// a topic that is new since then is not refused by it; where nothing was decided
// and the box stands as it stood, nothing is decided.
func wishesOf(form map[string][]string, f chosen) (out []consent.Wish) {
	for i := range f.Topics {
		d := &f.Topics[i]
		often := first(form["often-"+d.ID]...)
		for _, c := range channelsOf(f) {
			name := d.ID + "." + string(c)
			if !d.Uses(c) || !slices.Contains(form["shown"], name) {
				continue
			}
			was, there := wished(f.List, d.ID, c)
			on := slices.Contains(form["on"], name)
			if on == ticked(d, was, there) && (!on || !there || often == "" || often == was.Frequency) {
				continue
			}
			out = append(out, consent.Wish{Topic: d.ID, Channel: c, On: on, Frequency: often})
		}
	}
	return out
}

func (v *visit) saveRest(tx *db.Tx) error {
	r, err := consent.RuleOf(tx, v.t, v.me.CustomerID)
	if err != nil {
		return err
	}
	switch months, err := strconv.Atoi(first(v.form["pause"]...)); {
	case first(v.form["pause"]...) == keptPause || first(v.form["pause"]...) == "":
	case err != nil || months < 0 || months > 12:
		return consent.ErrBadRule
	case months == 0:
		r.PausedUntil = time.Time{}
	default:
		r.PausedUntil = tx.Now.AddDate(0, months, 0)
	}
	for name, to := range map[string]*int64{"quiet_from": &r.QuietFrom, "quiet_until": &r.QuietUntil} {
		if raw := first(v.form[name]...); raw != "" {
			if *to, err = strconv.ParseInt(raw, 10, 64); err != nil {
				return consent.ErrBadRule
			}
		}
	}
	r.Zone = first(append(v.form["zone"], r.Zone)...)
	return consent.SetRule(tx, v.t, v.me.CustomerID, r)
}
