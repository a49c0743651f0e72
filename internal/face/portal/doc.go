// Package portal is "My account": the pages on which customers see and change
// what is kept about them. Home, profile, addresses, security (password,
// sessions and devices), connected applications, language and theme, and the end
// of the account.
//
// It owns how those pages look and travel: their words, the addresses below
// /account, and which act asks for a fresh sign-in first. What somebody may see
// is opened through core/release alone, and every act is one transaction of
// core/account that looks at the session again.
//
// It never signs anybody in, never takes a proof (face/login does: a journey is
// begun here and led to /signin/{flow}), never says whose an address is before
// it is proven, and never changes a field that the catalogue does not let the
// customer edit.
//
//	GET  /account/…  ── no session ──► /signin?return=/account/…
//	                 ── dangerous, proof older than 10 minutes ──► /signin/{flow} ──► back
//	                 ── else ──► the page
//	POST /account/…  ── one Update: session alive, permitted, fresh if need be, act
//	                 ──303──► GET …?done=word      or 422 with what is wrong
//
// A form carries the account that it was made for, so that one that was opened
// before somebody switched accounts in another window changes nothing (a browser
// holds a set of sessions).
package portal
