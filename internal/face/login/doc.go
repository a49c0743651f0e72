// Package login is the hosted front door: the pages on which customers sign in,
// sign up, come back after losing their way in, confirm afresh who they are,
// allow applications, undo a change of address and sign out.
//
// It owns how a journey of core/signin looks and travels: its pages and words,
// the addresses below /signin, the browser's cookies (`browser` binds journeys,
// `session` holds the set of sessions, `known` remembers accounts for the
// chooser), and the order in which a step reserves its budget, does its slow
// work outside any transaction and then acts in one.
//
// It never decides what comes next (signin.Next does), never opens a personal
// value but through core/release, never tells known addresses from unknown ones
// before they are proven (H077), and changes nothing on a GET but the start of a
// journey.
//
//	GET /signin ──► Begin ──303──► GET /signin/{flow}      shows the step
//	                                   │      ▲
//	              POST /signin/{flow}/{step}  │ 303, or 422 with what is wrong
//	                                   ▼      │
//	        reserve ► work ► one Update: Load, act, Survey ─┬─ a page comes next
//	                                                        ├─ a code must be sent
//	                                                        └─ it has ended ──► session
//	                                                           cookie, then the return path
//	                                                           or /oauth2/resume?flow=…
//
// Another window, the Back button, a second press and an old page all lead to
// where the journey stands, or to a page that says what to do (ui.md 49).
package login
