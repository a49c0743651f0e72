package credential

import (
	"github.com/cardea-id/cardea/internal/core/customer"
)

// PasskeyAdded is told when a customer has one more passkey.
type PasskeyAdded struct {
	Passkey     PasskeyID       `json:"passkey"`
	Model       string          `json:"model,omitempty"` // AAGUID, if it is not all zeros
	Attestation string          `json:"attestation"`
	Synced      bool            `json:"synced"`
	Name        customer.Sealed `json:"name,omitempty"`
}

// EventName names the event.
func (PasskeyAdded) EventName() string { return "passkey.added" }

// PasskeyRemoved is told when a passkey was deleted.
type PasskeyRemoved struct {
	Passkey PasskeyID `json:"passkey"`
}

// EventName names the event.
func (PasskeyRemoved) EventName() string { return "passkey.removed" }

// PasskeyRenamed is told when a passkey got another name.
type PasskeyRenamed struct {
	Passkey PasskeyID       `json:"passkey"`
	Name    customer.Sealed `json:"name"`
}

// EventName names the event.
func (PasskeyRenamed) EventName() string { return "passkey.renamed" }

// PasskeyBackedUp is told when a synced passkey was first found backed up, or no
// longer is.
type PasskeyBackedUp struct {
	Passkey  PasskeyID `json:"passkey"`
	BackedUp bool      `json:"backed_up"`
}

// EventName names the event.
func (PasskeyBackedUp) EventName() string { return "passkey.backed_up" }

// PasskeyRefused is told when a genuine passkey of a known customer was not
// taken. The reason "counter" means that there may be a copy of it.
type PasskeyRefused struct {
	Passkey PasskeyID `json:"passkey,omitzero"` // none: it was to be added
	Reason  string    `json:"reason"`           // a refusal
}

// EventName names the event.
func (PasskeyRefused) EventName() string { return "passkey.refused" }

// The reasons of PasskeyRefused.
const (
	refusedOff          = "passkeys_off"
	refusedAlgorithm    = "algorithm"
	refusedVerification = "user_verification"
	refusedDiscoverable = "not_discoverable"
	refusedAttestation  = "attestation"
	refusedRevoked      = "model_revoked"
	refusedModel        = "model_not_allowed"
	refusedTaken        = "credential_taken"
	refusedCounter      = "counter"
	refusedBackup       = "backup_eligible"
)
