package access

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Role is what somebody on the staff is trusted with.
type Role string

// The built-in roles.
const (
	Operator Role = "operator" // runs the house: everything
	Support  Role = "support"  // helps customers who ask
	Privacy  Role = "privacy"  // answers requests about personal data
)

// Act is something that staff may or may not do.
type Act string

// The acts.
const (
	FindCustomer    Act = "customer.find"
	ShowCustomer    Act = "customer.show"
	EditCustomer    Act = "customer.edit"
	LockCustomer    Act = "customer.lock" // and unlock
	RecoverCustomer Act = "customer.recover"
	EraseCustomer   Act = "customer.erase"
	ExportCustomer  Act = "customer.export"
	ShowRecords     Act = "records.show" // journal, disclosures, consents
	Configure       Act = "tenant.configure"
	ManageApps      Act = "application.manage"
	ManageStaff     Act = "staff.manage"
	RotateKeys      Act = "keys.rotate"
)

// table says which acts a role may do.
var table = map[Role][]Act{
	Operator: {
		FindCustomer, ShowCustomer, EditCustomer, LockCustomer, RecoverCustomer, EraseCustomer, ExportCustomer,
		ShowRecords, Configure, ManageApps, ManageStaff, RotateKeys,
	},
	Support: {FindCustomer, ShowCustomer, EditCustomer, LockCustomer, RecoverCustomer},
	Privacy: {FindCustomer, ShowCustomer, EraseCustomer, ExportCustomer, ShowRecords},
}

// The faults of this room.
var (
	ErrUnknownRole = fault.New(fault.Invalid, "unknown_role", "The roles are operator, support and privacy.")
	ErrNotStaff    = fault.New(fault.Conflict, "not_staff", "Roles are for people of the built-in tenant.")
	ErrDenied      = fault.New(fault.Denied, "not_allowed", "Your role does not allow this.")
)

// Can reports whether any of the roles may do the act.
func Can(roles []Role, act Act) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(table[r], act) })
}

// Require is Can as a fault: not_allowed.
func Require(roles []Role, act Act) error {
	if !Can(roles, act) {
		return ErrDenied
	}
	return nil
}

type assignment struct {
	tenant    tenant.ID
	customer  customer.ID
	role      Role
	createdAt time.Time
}

func (a *assignment) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &a.tenant}, {Column: "customer_id", Ptr: &a.customer},
		{Column: "role", Ptr: &a.role}, {Column: "created_at", Ptr: &a.createdAt},
	}
}

// RoleChanged is told when somebody gets or loses a role.
type RoleChanged struct {
	Role Role `json:"role"`
	Held bool `json:"held"`
}

// EventName names the event.
func (RoleChanged) EventName() string { return "staff.role_changed" }

// Assign gives a customer of the built-in tenant a role. One that they hold is
// fine. Faults: not_staff, unknown_role, customer_not_found.
func Assign(tx *db.Tx, t *tenant.Tenant, id customer.ID, role Role) error {
	if !t.BuiltIn {
		return ErrNotStaff
	}
	if table[role] == nil {
		return ErrUnknownRole
	}
	c, err := customer.Get(tx, t, id)
	if err != nil {
		return err
	}
	if c.State == customer.Erased {
		return customer.ErrErased
	}
	fresh, err := db.InsertNew(tx, "role_assignment", assignment{t.ID, id, role, tx.Now})
	if err != nil || !fresh {
		return err
	}
	return note(tx, t, id, RoleChanged{role, true})
}

// RevokeAll takes every role of somebody who is erased, also of the last
// operator: who is at the machine makes another by 'cardea bootstrap'.
func RevokeAll(tx *db.Tx, t *tenant.Tenant, id customer.ID) error {
	roles, err := Roles(tx, t, id)
	if err != nil || len(roles) == 0 {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM role_assignment WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id); err != nil {
		return err
	}
	for _, r := range roles {
		if err := note(tx, t, id, RoleChanged{r, false}); err != nil {
			return err
		}
	}
	return nil
}

// Roles lists the roles that a customer holds, sorted.
func Roles(tx *db.Tx, t *tenant.Tenant, id customer.ID) ([]Role, error) {
	return RolesIn(tx, t.ID, id)
}

// RolesIn is Roles for somebody of another tenant: staff at work there.
func RolesIn(tx *db.Tx, home tenant.ID, id customer.ID) ([]Role, error) {
	rows, err := db.All[assignment](tx, `FROM role_assignment WHERE tenant_id = $1 AND customer_id = $2 ORDER BY role`, home, id)
	roles := make([]Role, len(rows))
	for i := range rows {
		roles[i] = rows[i].role
	}
	return roles, err
}

// Operators reports whether the house has an operator yet.
func Operators(tx *db.Tx, t *tenant.Tenant) (bool, error) {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM role_assignment WHERE tenant_id = $1 AND role = 'operator'`, t.ID)
	return n > 0, err
}

func note(tx *db.Tx, t *tenant.Tenant, id customer.ID, e RoleChanged) error {
	return journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: id, Event: e, Class: journal.Staff})
}
