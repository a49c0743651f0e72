package catalog

// Fact is an entry of the catalogue that is no profile field: something that
// the house itself notes of a customer, who never types it into a form. What
// facts there are is fixed by the program; the room that keeps one says so.
type Fact struct {
	Name     string
	Label    string // what it is, in English
	Class    Class
	Source   string // "observed", "customer", "staff", or "house"
	Purposes []string
	Viewers  []string
	Kept     string   // how long, in words
	Where    string   // how it lies: sealed, as a digest, readable
	Tables   []string // that hold it; a test compares them with the schema
}

// The sources of facts.
const (
	Observed  = "observed" // by the house, while the customer uses it
	ByStaff   = "staff"
	ByHouse   = "house" // made by the house
	SealedFor = "sealed under the customer's data key"
)
