// Package privacy is the rights of customers over their data, as work: what is
// due to be erased is erased on time, in every room.
//
// It owns the jobs of closing accounts, the archives that customers take away,
// and the list of rooms that store rows of a customer. It never decides whether
// an account closes (account does), opens a personal value through release
// alone, and never sees a page or a file format (Wiring.Pack writes the file).
//
//	Schedule ──► job at close_at ──► every Subject erases ──► key destroyed
//	    │                                                        │
//	    └─ Unschedule (kept after all)                   checkpoint of the
//	                                                     write-ahead log
//
//	ScheduleRetention ──► each night: Retain ──► a job of each tenant ──► a page of customers ─┐
//	BeginRun (command) ──► Continue ───────────────────────────────────────┘  ▲                │
//	                                            (RetentionFailed, tried again) └─── goes on ───┴──► RetentionRan
//
//	AskArchive ──► asked ──► making ──► ready ──► LinkArchive ──► TakeArchive
//	                           │          │            (a link works once,
//	                           ▼          ▼             for five minutes)
//	                        failed   gone after seven days
//
// A case is a request of a customer about their data. Each way is one
// conditional statement, with a line of history and an event:
//
//	                Pause
//	OpenCase ──► open ─────────► waiting        due_at stands still
//	              │ ▲ ◄───────── │
//	              │ │  Resume, AddWords
//	              │ └─ Extend (once, before it is due)
//	              ▼              ▼
//	            closed: DecideCase (done, partly, refused; nothing is done
//	            for who is unverified), WithdrawCase, EndItself, EraseCases
//
//	erased ──► Attest ──► certificate "erased" ──► "acknowledged" (all recipients)
//	                         (a job signs it)  └──► "final" (its wrapping keys destroyed)
//
//	PlaceHold ──► an erasure that falls due waits ──► ReleaseHold, or its end ──► erased
package privacy
