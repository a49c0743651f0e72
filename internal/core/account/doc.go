// Package account is the acts of a customer's life that span rooms: register,
// sign in, change and reset a password, change an address and undo it, sign
// out, lock, recover, close, reopen, erase.
//
// It owns the order in which the rooms act and who is told of it. Every act is
// one function in one transaction: it happens with all its consequences
// (sessions and grants ended, codes dead, customers told, the journal written)
// or not at all.
//
// It never decides what comes next in a journey (signin does), never hashes or
// checks a password (callers do, outside the transaction), never opens a
// personal value but through release, and never sends: it drafts.
//
//	             Lock                    Close
//	locked ◄────────────── active ──────────────► closing ──► erased
//	   │  ───────────────►  ▲  │  ◄──────────────    │   14 days, then Erase
//	   │      Unlock        │  │       Reopen        │
//	   │        Reset or    │  │ StartRecovery       │
//	   │        Restore     │  ▼ UndoChange          │
//	   └──────────────► recovery ◄───────────────────┘
//	     StartRecovery                UndoChange
package account
