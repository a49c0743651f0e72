// Package e2e proves the product as people meet it: in a real browser, against
// the whole house in one process and the demo shop beside it.
//
// One Chromium serves the whole run; every test opens a browser context of its
// own, which has never been anywhere. A tab records what its console says, and
// a test fails on any violation of the content security policy, any uncaught
// exception and any asset that does not load.
//
// It is a module of its own, so that the product needs neither a browser nor
// its driver. Without Chromium the tests are skipped and say so; under CI=true
// they fail.
package e2e
