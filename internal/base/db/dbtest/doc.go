// Package dbtest opens real databases for tests: on SQLite always, and on
// PostgreSQL when CARDEA_TEST_POSTGRES names a server whose user may create
// databases (tools/postgres starts a throwaway one).
//
// Each database is a copy of a template that is migrated once per schema, so a
// test pays for a file copy, not for the migrations. It is never used outside
// tests and knows nothing of what the tables mean.
package dbtest
