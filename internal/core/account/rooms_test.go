package account_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/schema"
)

// ofCustomer are the tables that customer.Destroy empties itself.
var ofCustomer = []string{
	"customer_key", "customer_field", "identifier", "customer_identifier", "identifier_change", "search_token", "search_word", "subject",
}

var createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)

// customerTables reads the schema for tables that hold rows of customers.
func customerTables(t *testing.T) []string {
	t.Helper()
	var out []string
	names, err := fs.Glob(schema.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "customer" || strings.Contains(m[2], "\n  customer_id ") {
				out = append(out, m[1])
			}
		}
	}
	return out
}

// H223: whatever is stored of a customer is erased with them, or kept for a
// reason that is written down.
func TestH223_EveryTableOfCustomersIsErasedOrKeptForAReason(t *testing.T) {
	t.Parallel()
	var emptied []string
	for _, room := range account.Rooms() {
		emptied = append(emptied, room.Tables...)
	}
	tables := customerTables(t)
	if len(tables) < 15 {
		t.Fatalf("only %v", tables)
	}
	for _, table := range tables {
		ways := 0
		for _, is := range []bool{slices.Contains(emptied, table), slices.Contains(ofCustomer, table), privacy.Kept[table] != ""} {
			if is {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("table %s holds customers and is erased or kept in %d ways", table, ways)
		}
	}
}

// Whatever is stored of a customer is told to them on request, or there is a
// written reason why there is nothing to tell.
func TestEveryTableOfCustomersIsToldOrSilentForAReason(t *testing.T) {
	t.Parallel()
	tells, silent := map[string]int{}, map[string]int{}
	for _, room := range account.Rooms() {
		for _, table := range room.Tells {
			tells[table]++
		}
		for table, why := range room.Silent {
			if len(why) < 20 {
				t.Errorf("room %s is silent about %s for no reason: %q", room.Room, table, why)
			}
			silent[table]++
		}
		if len(room.Tells) > 0 && room.Export == nil {
			t.Errorf("room %s says that it tells %v, and exports nothing", room.Room, room.Tells)
		}
		if room.Erase == nil {
			t.Errorf("room %s cannot be erased", room.Room)
		}
	}
	for _, table := range customerTables(t) {
		if tells[table]+silent[table] != 1 {
			t.Errorf("table %s holds customers: told by %d rooms, silent in %d. Give its room an Export, or a reason in Silent", table, tells[table], silent[table])
		}
	}
}
