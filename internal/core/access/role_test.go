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

func TestRolesAreForStaffAndOneOperatorStays(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		staff, who := staffHouse(t, h, 2)
		assign := func(t *tenant.Tenant, id customer.ID, r access.Role) error {
			return h.Try(func(tx *db.Tx) error { return access.Assign(tx, t, id, r) })
		}
		revoke := func(id customer.ID, r access.Role) error {
			return h.Try(func(tx *db.Tx) error { return access.Revoke(tx, staff, id, r) })
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
		h.View(func(tx *db.Tx) error {
			roles, err := access.Roles(tx, staff, who[0])
			if !slices.Equal(roles, []access.Role{access.Operator, access.Support}) {
				t.Errorf("%v", roles)
			}
			return err
		})
		if err := revoke(who[0], access.Operator); !errors.Is(err, access.ErrLastOne) {
			t.Errorf("the last operator goes: %v", err)
		}
		if err := assign(staff, who[1], access.Operator); err != nil {
			t.Fatal(err)
		}
		if err := revoke(who[0], access.Operator); err != nil {
			t.Error(err)
		}
	})
}

func TestOfTwoOperatorsWhoRemoveEachOtherOneStays(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		staff, who := staffHouse(t, h, 2)
		for range 5 {
			for _, id := range who {
				h.Update(func(tx *db.Tx) error { return access.Assign(tx, staff, id, access.Operator) })
			}
			coretest.Together(2, func(i int) error {
				return h.Try(func(tx *db.Tx) error { return access.Revoke(tx, staff, who[i], access.Operator) })
			})
			h.View(func(tx *db.Tx) error {
				if any, err := access.Operators(tx, staff); err != nil || !any {
					t.Errorf("nobody is left: %v", err)
				}
				return nil
			})
		}
	})
}

func TestNobodyHandsOnWhatTheyMayNotDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles []access.Role
		role  access.Role
		want  bool
	}{
		{[]access.Role{access.Operator}, access.Operator, true},
		{[]access.Role{access.Operator}, access.Support, true},
		{[]access.Role{access.Support, access.Privacy}, access.Support, false},
		{nil, access.Support, false},
		{[]access.Role{"root"}, access.Operator, false},
	} {
		if got := access.Confers(c.roles, c.role); got != c.want {
			t.Errorf("%v confer %s: %v", c.roles, c.role, got)
		}
	}
	if access.Can([]access.Role{access.Support}, access.EraseCustomer) || !access.Can([]access.Role{access.Support}, access.LockCustomer) {
		t.Error("the table of acts is wrong")
	}
	if err := access.Require(nil, access.FindCustomer); !errors.Is(err, access.ErrDenied) {
		t.Error(err)
	}
}
