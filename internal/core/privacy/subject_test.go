package privacy_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/schema"
)

// ofCustomer are the tables that customer.Destroy empties itself.
var ofCustomer = map[string]bool{
	"customer_key": true, "customer_field": true, "identifier": true, "customer_identifier": true,
	"identifier_change": true, "search_token": true, "subject": true,
}

var (
	createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)
	deleteFrom  = regexp.MustCompile(`DELETE FROM (\w+)`)
)

// H223: whatever is stored of a customer is erased with them, or stands in Kept
// with its reason.
func TestH223_EveryTableOfCustomersIsErasedOrKeptForAReason(t *testing.T) {
	t.Parallel()
	erased := map[string]bool{}
	for _, statement := range privacy.Statements() {
		erased[deleteFrom.FindStringSubmatch(statement)[1]] = true
	}
	found := 0
	err := fs.WalkDir(schema.Files, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := fs.ReadFile(schema.Files, path)
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			table, columns := m[1], m[2]
			if table != "customer" && !strings.Contains(columns, "customer_id ") {
				continue
			}
			found++
			ways := 0
			for _, is := range []bool{erased[table], ofCustomer[table], privacy.Kept[table] != ""} {
				if is {
					ways++
				}
			}
			if ways != 1 {
				t.Errorf("table %s holds customers and is erased or kept in %d ways", table, ways)
			}
		}
		return err
	})
	if err != nil || found < 15 {
		t.Fatalf("%d tables, %v", found, err)
	}
}
