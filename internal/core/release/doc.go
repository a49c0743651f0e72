// Package release is the gate: the one way by which anything personal of a
// customer leaves the house or is shown to anybody. It decides field by field
// by the catalogue, the purpose, the scopes and the consent, masks what staff
// may only recognise, opens the rest, and writes down who got what.
//
// It owns the record of disclosures. It never changes a customer, and nothing
// but this package calls customer.Unseal (house_test.go sees to it).
//
//	who asks      may see                                         written down
//	self          fields whose viewers name the customer          no
//	message       the same, to be sent to the customer's own      no
//	              addresses
//	application   viewer "application" and purpose and scope, and a row a day, with a count
//	              the customer's consent: third parties for every
//	              scope, everybody for special categories
//	staff         viewer "staff:<role>" of a role they hold, and  a row each time, with the reason,
//	              purpose; ":masked" shows the outline            and an event
//	operator      the same as staff with the role operator: who   likewise
//	              commands the machine itself
//	export        fields whose viewers name the customer, as an   likewise
//	              answer to the customer's request
//
// An application's release runs in a View where today's row is there already;
// where it is not, Disclose answers ErrUnrecorded and the caller asks again in
// an Update. Nothing is opened before it is written down.
package release
