package main

import (
	"time"

	"github.com/cardea-id/cardea/internal/server"
)

type privacyHold struct {
	oneCustomer
	Until string `help:"The day on which the hold ends by itself; until it is released if left out." placeholder:"2006-01-02"`
}

// Run places a hold.
func (c *privacyHold) Run(t *terminal) error {
	var until time.Time
	if c.Until != "" {
		var err error
		if until, err = time.Parse(time.DateOnly, c.Until); err != nil {
			return &server.Advice{Text: c.Until + " is not a day.", Do: "Write it as 2006-01-02.", Exit: server.ExitUsage}
		}
	}
	return c.on(t, func(b *server.Base) (server.LegalHold, error) {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return server.LegalHold{}, err
		}
		return b.PlaceHold(t.ctx, home, c.Customer, c.Reason, until)
	}, "Placed %s on %s: nothing of it is erased while the hold stands.")
}

type privacyRelease struct {
	oneCustomer
	Hold string `help:"Which one, if several stand." placeholder:"ID"`
}

// Run releases a hold.
func (c *privacyRelease) Run(t *terminal) error {
	return c.on(t, func(b *server.Base) (server.LegalHold, error) {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return server.LegalHold{}, err
		}
		return b.ReleaseHold(t.ctx, home, c.Customer, c.Hold, c.Reason)
	}, "Released %s on %s: an erasure that waited for it happens now, unless another hold stands.")
}

// on does one thing to a hold and tells of it.
func (c *oneCustomer) on(t *terminal, act func(*server.Base) (server.LegalHold, error), told string) error {
	return t.with(func(b *server.Base) error {
		h, err := act(b)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(h)
		}
		t.line(told, h.ID, h.Customer)
		return nil
	})
}

type privacyHolds struct {
	asJSON
	ofTenant
	Reason string `help:"Why you look: then why each hold was placed is shown too, and the look is on record." placeholder:"TEXT"`
}

// Run lists holds.
func (c *privacyHolds) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.Holds(t.ctx, home, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("No hold stands.")
			return nil
		}
		rows := [][]string{}
		for _, h := range list {
			rows = append(rows, []string{h.ID, h.Customer, day(h.PlacedAt), day(h.Until), day(h.Waits), h.Reason})
		}
		return t.table([]string{"hold", "customer", "placed", "until", "erasure waits since", "reason"}, rows)
	})
}
