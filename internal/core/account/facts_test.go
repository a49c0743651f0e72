package account_test

import (
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/coretest"
)

// Records of processing tell of everything that is stored of customers: each
// such table belongs to one fact of the catalogue.
func TestEveryTableOfCustomersBelongsToAFactOfTheCatalogue(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, "sqlite", false)
	described := map[string]int{}
	for _, f := range account.Facts(h.T()) {
		for _, table := range f.Tables {
			described[table]++
		}
		if f.Name == "" || f.Label == "" || f.Class == "" || f.Source == "" || len(f.Purposes) == 0 || f.Kept == "" || f.Where == "" {
			t.Errorf("%+v says too little", f)
		}
	}
	tables := customerTables(t)
	for _, table := range tables {
		if described[table] != 1 {
			t.Errorf("table %s is described %d times: see facts.go", table, described[table])
		}
		delete(described, table)
	}
	for table := range described {
		t.Errorf("facts.go describes %s, which holds no customers", table)
	}
}

func TestNoFactHasTheNameOfAField(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, "sqlite", false)
	var names []string
	for _, f := range catalog.Standard() {
		names = append(names, f.Name)
	}
	for _, f := range account.Facts(h.T()) {
		if slices.Contains(names, f.Name) {
			t.Errorf("%s is a field and a fact", f.Name)
		}
		names = append(names, f.Name)
	}
}
