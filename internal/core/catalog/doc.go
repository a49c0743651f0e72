// Package catalog owns the data catalogue of a tenant, which is its profile
// schema too: every field that may be known of a customer, what class of data
// it is, where it comes from, who may see and edit it, for which purposes it
// may be used, how long it is kept, and under which scope and claim it leaves.
// It also owns the one parser of every kind of value (e-mail addresses, phone
// numbers, dates, addresses).
//
// The catalogue is the standard fields, in the form that the tenant gave them,
// and the tenant's own. Class, type, source and claim of a standard field are
// fixed; identifiers and derived fields cannot be set as profile values at all.
//
// It never holds a customer's value and never decides a release: it is the
// table that release decides by.
package catalog
