package access_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// staffHouse adds the built-in tenant and n people.
func staffHouse(t *testing.T, h *coretest.House, n int) (*tenant.Tenant, []customer.ID) {
	t.Helper()
	var made tenant.ID
	h.Update(func(tx *db.Tx) (err error) {
		made, err = tenant.Create(tx, h.Ring, tenant.New{Slug: "staff", Name: "Staff", Origin: "https://staff.example", BuiltIn: true})
		return err
	})
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	staff, _ := h.House.ByID(made)
	people := make([]customer.ID, n)
	for i := range people {
		h.Update(func(tx *db.Tx) error {
			c, err := customer.Register(tx, staff, customer.New{})
			people[i] = c.ID
			return err
		})
	}
	return staff, people
}

func TestRolesAreForStaffAndGoWithThem(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		staff, who := staffHouse(t, h, 1)
		assign := func(t *tenant.Tenant, id customer.ID, r access.Role) error {
			return h.Try(func(tx *db.Tx) error { return access.Assign(tx, t, id, r) })
		}
		for name, c := range map[string]struct{ got, want error }{
			"a customer":     {assign(h.T(), h.Customer(), access.Support), access.ErrNotStaff},
			"a role of none": {assign(staff, who[0], "root"), access.ErrUnknownRole},
			"nobody":         {assign(staff, customer.ID{1}, access.Support), customer.ErrNotFound},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v", name, c.got)
			}
		}
		for _, r := range []access.Role{access.Operator, access.Support, access.Operator} {
			if err := assign(staff, who[0], r); err != nil {
				t.Fatal(err)
			}
		}
		held := func(want ...access.Role) {
			t.Helper()
			h.View(func(tx *db.Tx) error {
				roles, err := access.Roles(tx, staff, who[0])
				if !slices.Equal(roles, want) {
					t.Errorf("%v", roles)
				}
				n, _, err2 := db.Value[int64](tx, `SELECT count(*) FROM event WHERE subject_id = $1 AND name = 'staff.role_changed'`, who[0])
				if n != int64(4-len(want)) {
					t.Errorf("%d events where %d roles are held", n, len(want))
				}
				return errors.Join(err, err2)
			})
		}
		held(access.Operator, access.Support)
		for range 2 {
			h.Update(func(tx *db.Tx) error { return access.RevokeAll(tx, staff, who[0]) })
			held()
		}
	})
}

func TestARoleMayDoItsOwnActsAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles []access.Role
		act   access.Act
		want  bool
	}{
		{[]access.Role{access.Support}, access.EraseCustomer, false},
		{[]access.Role{access.Support}, access.LockCustomer, true},
		{[]access.Role{access.Support}, access.ShowRecords, false},
		{[]access.Role{access.Support, access.Privacy}, access.ShowRecords, true},
		{[]access.Role{access.Operator}, access.ShowRecords, true},
		{[]access.Role{"root"}, access.ShowRecords, false},
		{nil, access.FindCustomer, false},
	} {
		if err := access.Require(c.roles, c.act); (err == nil) != c.want || err != nil && !errors.Is(err, access.ErrDenied) {
			t.Errorf("%v, %s: %v", c.roles, c.act, err)
		}
	}
}
