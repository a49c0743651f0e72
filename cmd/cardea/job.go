package main

import (
	"fmt"

	"github.com/cardea-id/cardea/internal/server"
)

type jobCommands struct {
	List    jobList    `cmd:"" help:"List what was given up: messages, logouts and other work behind the scenes."`
	Retry   jobRetry   `cmd:"" help:"Make one of them due again, or all of a kind."`
	Discard jobDiscard `cmd:"" help:"Throw one of them away."`
}

// ofAny chooses a tenant where every tenant is meant otherwise.
type ofAny struct {
	Tenant string `help:"Only of this tenant; of every tenant and of the house itself if left out." placeholder:"SLUG"`
}

func (c *ofAny) wanted(b *server.Base, kind string, limit int) (w server.JobsWanted, err error) {
	w = server.JobsWanted{Kind: kind, Limit: limit}
	if c.Tenant != "" {
		w.Tenant, err = b.Tenant(c.Tenant)
	}
	return w, err
}

type jobList struct {
	asJSON
	ofAny
	Kind  string `help:"Only of this kind." placeholder:"KIND"`
	Limit int    `default:"100" help:"How many at most." placeholder:"N"`
}

// Run lists.
func (c *jobList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		w, err := c.wanted(b, c.Kind, min(max(c.Limit, 1), 10_000))
		if err != nil {
			return err
		}
		list, err := b.GivenUpJobs(t.ctx, w)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, j := range list {
			rows = append(rows, []string{j.ID, j.Tenant, j.Kind, j.State, fmt.Sprintf("%d/%d", j.Attempts, j.MaxAttempts), j.Fault, day(j.CreatedAt), day(j.GivenUpAt)})
		}
		return t.table([]string{"id", "tenant", "kind", "state", "attempts", "last fault", "enqueued", "given up"}, rows)
	})
}

type jobRetry struct {
	asJSON
	ofAny
	ID   string `arg:"" optional:"" help:"The id of one of them."`
	Kind string `help:"All of this kind that were given up after their last attempt." placeholder:"KIND"`
}

// Run makes due again.
func (c *jobRetry) Run(t *terminal) error {
	if (c.ID == "") == (c.Kind == "") {
		return &server.Advice{Text: "Say what to do again.", Do: "Name one job by its id, or a kind: --kind KIND. 'cardea job list' shows both.", Exit: server.ExitUsage}
	}
	return t.with(func(b *server.Base) error {
		n, err := c.retry(t, b)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]int{"retried": n})
		}
		t.line("%d are done again by the running server.", n)
		return nil
	})
}

func (c *jobRetry) retry(t *terminal, b *server.Base) (int, error) {
	if c.ID != "" {
		return 1, b.RetryJob(t.ctx, c.ID)
	}
	w, err := c.wanted(b, c.Kind, 0)
	if err != nil {
		return 0, err
	}
	return b.RetryJobs(t.ctx, w)
}

type jobDiscard struct {
	asJSON
	ID string `arg:"" help:"The id of one of them."`
}

// Run throws away.
func (c *jobDiscard) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		if err := b.DiscardJob(t.ctx, c.ID); err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]string{"discarded": c.ID})
		}
		t.line("It is gone.")
		return nil
	})
}
