package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Event is something that happened: a struct with JSON tags in the room where
// it happens. Its name is dotted, past tense and never reused with another
// meaning: "customer.registered".
type Event interface{ EventName() string }

// Actor is who made it happen. The zero value is the house itself.
type Actor struct {
	Kind string   // "customer", "staff", "application", "operator" or "system"
	ID   [16]byte // zero where the kind says it all
}

// Class says how long the payload of an event is kept; the header stays.
type Class string

// The retention classes.
const (
	SignIn    Class = "signin"
	Profile   Class = "profile"
	Consent   Class = "consent"
	Privacy   Class = "privacy"
	Staff     Class = "staff"
	Config    Class = "config"
	Security  Class = "security"
	Behaviour Class = "behaviour"
	Message   Class = "message"
)

var classes = map[Class]bool{
	SignIn: true, Profile: true, Consent: true, Privacy: true, Staff: true,
	Config: true, Security: true, Behaviour: true, Message: true,
}

// Entry is one event with the facts that are the same for all events.
type Entry struct {
	Tenant      [16]byte // required
	Subject     [16]byte // whom or what it is about; zero: the tenant itself
	Actor       Actor    // zero: taken from WithActor
	Application [16]byte // through which application, if one
	Request     string   // reference of the request; empty: taken from WithRequest
	Event       Event
	Class       Class
}

type (
	requestMark struct{}
	actorMark   struct{}
)

// WithActor marks a context with who acts under it; events appended under it
// that name no actor carry this one.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorMark{}, a)
}

// WithRequest marks a context with the reference of the request that it serves;
// events appended under it carry the reference.
func WithRequest(ctx context.Context, reference string) context.Context {
	return context.WithValue(ctx, requestMark{}, reference)
}

// Append writes an event in the transaction of the change that it tells of. It
// is chained within a second after the commit. An entry without a tenant, a
// known class or a dotted name is a defect of the caller.
func Append(tx *db.Tx, e Entry) error {
	row, err := compose(tx, e)
	if err != nil {
		return err
	}
	if err := db.Insert(tx, "event", row); err != nil {
		return err
	}
	mark := unchainedRow{bucket: row.bucket, event: row.id, tenant: row.tenant}
	if err := db.Insert(tx, "unchained", mark); err != nil {
		return err
	}
	tx.After(ringClerk)
	return nil
}

func compose(tx *db.Tx, e Entry) (eventRow, error) {
	if err := e.check(); err != nil {
		return eventRow{}, err
	}
	payload, err := json.Marshal(e.Event)
	if err != nil {
		return eventRow{}, fmt.Errorf("journal: event %s: %w", e.Event.EventName(), err)
	}
	row := eventRow{
		bucket: bucketOf(e.Tenant, e.Subject), tenant: e.Tenant, id: newID(tx.Now), at: tx.Now,
		name: e.Event.EventName(), class: e.Class, subject: e.Subject,
		actorKind: e.Actor.Kind, actor: e.Actor.ID, application: e.Application,
		request: e.Request, payload: payload, salt: newSalt(),
	}
	if row.actorKind == "" {
		row.actAs(tx.Context())
	}
	if row.request == "" {
		row.request, _ = tx.Context().Value(requestMark{}).(string)
	}
	row.headerDigest, row.payloadDigest = row.digestHeader(), row.digestPayload()
	return row, nil
}

// actAs fills in the actor that the context names, else the house itself.
func (r *eventRow) actAs(ctx context.Context) {
	a, ok := ctx.Value(actorMark{}).(Actor)
	if !ok || a.Kind == "" {
		a = Actor{Kind: "system"}
	}
	r.actorKind, r.actor = a.Kind, a.ID
}

func (e *Entry) check() error {
	if e.Event == nil {
		return fmt.Errorf("journal: an entry without an event")
	}
	name := e.Event.EventName()
	room, act, dotted := strings.Cut(name, ".")
	switch {
	case !dotted || room == "" || act == "":
		return fmt.Errorf("journal: the event name %q is not dotted", name)
	case e.Tenant == [16]byte{}:
		return fmt.Errorf("journal: %s has no tenant", name)
	case !classes[e.Class]:
		return fmt.Errorf("journal: %s has the unknown class %q", name, e.Class)
	}
	return nil
}
