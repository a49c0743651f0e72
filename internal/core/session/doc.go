// Package session owns who is signed in: the session of one browser with one
// customer, the proofs that were given in it, and the device words that help the
// customer to recognise it; and the devices that a customer is known on, some of
// which are trusted to skip the second factor. That trust rests in the record
// here: what a browser shows is only compared with it.
//
// A session begins only with an Admission, which only permit.May gives (law 2).
// What it is worth, its assurance, is computed from its proofs whenever it is
// asked for and never stored (law 4). How long it lives is computed from the
// tenant's settings of the moment, so that shortening them shortens the sessions
// that stand.
//
//	Start --> alive --Prove, Rotate--> alive (new token, the old one dead)
//	            |
//	            +-- End, EndAll, too many --> ended --Sweep--> gone
//	            +-- idle or old ---------------------Sweep--> gone
//
//	See --> known --Trust--> trusted --Distrust, DistrustAll, time, settings--> known
//	          |                 |
//	          +-----------------+-- ForgetDevice, SweepDevices, too many --> gone
//
// It never sees a cookie or a request, never keeps a token (the digest rests in
// its place), never opens what it sealed (release does), never caches a session,
// and never ends grants: those look at the session themselves, and
// grant.EndBySession tidies up.
package session
