package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type webhookCommands struct {
	List             webhookList             `cmd:"" help:"List the applications' webhooks and how they fare."`
	Deliveries       webhookDeliveries       `cmd:"" help:"List what was and is to be delivered, the newest first."`
	Replay           webhookReplay           `cmd:"" help:"Send again, under the same id: one delivery, or all that were given up."`
	Keys             webhookKeys             `cmd:"" help:"List the keys that sign what an application is told, with the public halves of key pairs."`
	RotateSecret     webhookRotateSecret     `cmd:"" help:"Draw another signing key; the former signs beside it for seven more days."`
	Acknowledgements webhookAcknowledgements `cmd:"" help:"List what applications have yet to acknowledge, or all of one customer."`
}

// inTenant opens the house, finds the tenant and does the work.
func (c *ofTenant) inTenant(t *terminal, work func(b *server.Base, home *tenant.Tenant) error) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		return work(b, home)
	})
}

type webhookList struct {
	asJSON
	ofTenant
}

// Run lists.
func (c *webhookList) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		list, err := b.Webhooks(t.ctx, home)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, h := range list {
			rows = append(rows, []string{h.Application, h.URL, h.State, number(h.Waiting), number(h.Failed), h.AcknowledgeWithin, h.Reason})
		}
		return t.table([]string{"application", "url", "state", "waiting", "failed", "acknowledge within", "last failure"}, rows)
	})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

type webhookDeliveries struct {
	asJSON
	ofTenant
	App   string `help:"Only those of this application, by client_id or name." placeholder:"APP"`
	State string `enum:",waiting,delivered,received,failed,withheld" default:"" help:"Only those in this state: waiting, delivered, received, failed or withheld." placeholder:"STATE"`
	Limit int    `default:"50" help:"How many at most." placeholder:"N"`
}

// Run lists.
func (c *webhookDeliveries) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		w := notify.Wanted{State: c.State, Limit: min(max(c.Limit, 1), 10_000)}
		if c.App != "" {
			a, err := b.App(t.ctx, home, c.App)
			if err != nil {
				return err
			}
			w.Application = a.ID
		}
		list, err := b.Deliveries(t.ctx, home, w)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, d := range list {
			what := strings.Join(append(d.Facts.Fields, d.Facts.Purpose, d.Facts.Scope, d.Facts.Topic), " ")
			rows = append(rows, []string{d.ID, d.Type, strings.TrimSpace(what), d.State, number(d.Attempts), d.Reason, day(d.HappenedAt), day(d.NextAt)})
		}
		return t.table([]string{"id", "type", "about", "state", "attempts", "last failure", "happened", "next"}, rows)
	})
}

type webhookReplay struct {
	asJSON
	ofTenant
	ID     string `arg:"" optional:"" help:"The webhook-id of one delivery."`
	App    string `help:"The application whose failed deliveries are sent again." placeholder:"APP"`
	Failed bool   `help:"All of the application that were given up."`
	Since  string `help:"Only those that happened on this day, UTC, or later." placeholder:"2006-01-02"`
}

// Run sends again.
func (c *webhookReplay) Run(t *terminal) error {
	if (c.ID == "") != (c.Failed && c.App != "") {
		return &server.Advice{Text: "Say what to send again.", Do: "Name one delivery by its id, or an application: --app APP --failed.", Exit: server.ExitUsage}
	}
	since := time.Unix(0, 0)
	if c.Since != "" {
		var err error
		if since, err = time.Parse(time.DateOnly, c.Since); err != nil {
			return &server.Advice{Text: c.Since + " is not a day.", Do: "Write it as 2006-01-02.", Exit: server.ExitUsage}
		}
	}
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		n, err := c.replay(t, b, home, since)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]int64{"replayed": n})
		}
		t.line("%d are sent again by the running server.", n)
		return nil
	})
}

func (c *webhookReplay) replay(t *terminal, b *server.Base, home *tenant.Tenant, since time.Time) (int64, error) {
	if c.ID != "" {
		return 1, b.ReplayWebhook(t.ctx, home, c.ID)
	}
	a, err := b.App(t.ctx, home, c.App)
	if err != nil {
		return 0, err
	}
	return b.ReplayFailed(t.ctx, home, a.ID, since)
}

type webhookRotateSecret struct {
	asJSON
	ofTenant
	App string `required:"" help:"Its client_id or name." placeholder:"APP"`
}

// Run draws another secret.
func (c *webhookRotateSecret) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		a, err := b.App(t.ctx, home, c.App)
		if err != nil {
			return err
		}
		secret, err := b.RotateWebhookSecret(t.ctx, home, a.ID)
		if err != nil {
			return err
		}
		if strings.HasPrefix(secret, "whpk_") {
			if c.JSON {
				return t.json(map[string]string{"client_id": a.ClientID(), "webhook_public_key": secret})
			}
			return t.facts("application", a.Name, "webhook public key", secret)
		}
		if c.JSON {
			return t.json(map[string]string{"client_id": a.ClientID(), "webhook_secret": secret})
		}
		return t.facts("application", a.Name, "webhook secret", secret+"   (shown this once)")
	})
}

type webhookKeys struct {
	asJSON
	ofTenant
	App string `required:"" help:"Its client_id or name." placeholder:"APP"`
}

// Run lists.
func (c *webhookKeys) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		a, err := b.App(t.ctx, home, c.App)
		if err != nil {
			return err
		}
		list, err := b.WebhookKeys(t.ctx, home, a.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, k := range list {
			rows = append(rows, []string{k.Scheme, k.Public, day(k.Since), day(k.Until)})
		}
		return t.table([]string{"scheme", "public key", "since", "until"}, rows)
	})
}

type webhookAcknowledgements struct {
	asJSON
	ofTenant
	Overdue  bool   `help:"Only what has taken longer than the application's acknowledge_within."`
	Customer string `help:"All lines of one customer, by id, also after the erasure." placeholder:"ID"`
	Limit    int    `default:"200" help:"How many at most." placeholder:"N"`
}

// Run lists.
func (c *webhookAcknowledgements) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		list, err := b.Acknowledgements(t.ctx, home, c.Customer, c.Overdue, min(max(c.Limit, 1), 10_000))
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, a := range list {
			late := ""
			if a.Overdue {
				late = "overdue"
			}
			rows = append(rows, []string{a.ID, a.Application, a.Type, a.About, a.State, late, day(a.HappenedAt), day(a.DueAt), day(a.AcknowledgedAt)})
		}
		return t.table([]string{"id", "application", "type", "about", "state", "", "happened", "due", "acknowledged"}, rows)
	})
}
