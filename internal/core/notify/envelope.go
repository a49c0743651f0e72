package notify

import (
	"context"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Channel is the way that a message goes.
type Channel string

// The channels.
const (
	Email Channel = "email"
	Text  Channel = "sms"
)

// Letter is a message before it has words.
type Letter struct {
	Tenant   *tenant.Tenant
	Template Template
	Channel  Channel
	Locale   string
	To       string
	Values   map[string]string // named by the template; plain text, never markup
}

// Rendered is a message with its words. A text message has Text alone.
type Rendered struct {
	Subject, Text, HTML string
}

// Render gives a letter its words; face/mail has the one that is used.
type Render func(Letter) (Rendered, error)

// Envelope is what a sender is handed.
type Envelope struct {
	ID      string // stable over retries
	Tenant  *tenant.Tenant
	Channel Channel
	Locale  string
	Domain  string // of the tenant, for the Message-ID
	To      string
	Rendered
	Code, Link string // as they stand in the message, for the development inbox

	letter Letter
}

// Sender hands one message over. A fault of kind Invalid or Gone ends the
// message; anything else is tried again until it expires.
type Sender interface {
	Send(ctx context.Context, e Envelope) error
}
