package customer_test

import (
	"errors"
	"testing"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Numbers that earn money for who answers them lie in countries, and in no
// country, that most companies have no customers in.
func TestH103_TextMessagesGoToTheTenantsCountriesAlone(t *testing.T) {
	t.Parallel()
	few := &tenant.Tenant{Settings: tenant.Settings{SMS: tenant.SMS{Countries: []string{"DE", "US"}}}}
	for number, want := range map[string]bool{
		"+4915123456789": true, "+12025550123": true,
		"+14165550123":  false, // Canada shares +1
		"+18765550123":  false, // so does Jamaica
		"+447700900123": false, "+88213000001": false, "+870773111632": false, "+9779812345678": false, "+": false, "": false,
	} {
		if err := customer.Reachable(few, customer.Phone, number); (err == nil) != want || err != nil && !errors.Is(err, customer.ErrCountry) {
			t.Errorf("%s: %v", number, err)
		}
		if err := customer.Reachable(&tenant.Tenant{}, customer.Phone, number); err != nil {
			t.Errorf("%s, where all countries are served: %v", number, err)
		}
	}
	if err := customer.Reachable(few, customer.Email, "a@example.com"); err != nil {
		t.Error(err)
	}
}
