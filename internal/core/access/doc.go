// Package access owns who may do what: today the roles of staff, who are
// customers of the built-in tenant, and the table of acts that each role may do;
// and the one policy that says which assurance is needed for what (Required).
//
// A role is held or not held; there is no state between. It never authenticates
// anybody and never decides which fields of a customer somebody sees, which is
// the catalogue's and release's.
package access
