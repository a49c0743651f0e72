package server

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/face/dev"
	"github.com/cardea-id/cardea/internal/face/login"
	"github.com/cardea-id/cardea/internal/face/portal"
)

// devParts are the pages that only `cardea dev` has.
func (s *Server) devParts() []ui.Part {
	if !s.options.Dev {
		return nil
	}
	return []ui.Part{dev.Part()}
}

// hangDev hangs the /dev pages on the router, for data that dev has made.
func (s *Server) hangDev() {
	if !s.options.Dev {
		return
	}
	dev.New(dev.Deps{
		DB: s.DB, UI: s.UI, Advance: s.Advance, Settle: s.settle,
		Galleries: []dev.Wing{
			{Name: "components", Specimens: ui.Specimens},
			{Name: "login", Specimens: login.Specimens}, {Name: "portal", Specimens: portal.Specimens},
			{Name: "dev", Specimens: dev.Specimens},
		},
	}).Routes(s.Mux)
}

const settleTime = 20 * time.Second

// settle runs every job that is due.
func (s *Server) settle(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, settleTime)
	defer stop()
	return s.Loop.Drain(ctx)
}
