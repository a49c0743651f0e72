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
//	application   viewer "application" and scope, for the first   a row a day and purpose,
//	              of its purposes that the field names, that is   with a count
//	              in force, admits it and holds for the customer
//	staff         viewer "staff:<role>" of a role they hold, for  a row each time, with the reason,
//	              a purpose that the field names and that holds;  and an event
//	              ":masked" shows the outline, as does Outline
//	operator      the same as staff with the role operator: who   likewise
//	              commands the machine itself
//	export        fields whose viewers name the customer, as an   likewise
//	              answer to the customer's request
//
// What keeps a field from an application for one purpose, in the order in which
// it is looked at; over several purposes the last one reached is told:
//
//	purpose -> scope -> recipient -> consent:<why> -> restricted
//
// An application's release runs in a View where today's rows are there already;
// where one is not, Disclose answers ErrUnrecorded and the caller asks again in
// an Update. Nothing is opened before it is written down.
package release
