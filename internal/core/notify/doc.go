// Package notify is what the house sends: mails and text messages to
// customers, each as a job with retries and an expiry.
//
// It owns the drafts (jobs whose payload is sealed under the customer's data
// key, or under a key of their own while there is no customer), the message
// rows that remember what was sent without its words, the senders (a mail relay
// over SMTP, an HTTP adapter for text messages, the development inbox) and that
// inbox.
//
// Applications are told by webhooks (webhook*.go): a reader turns events of the
// journal into deliveries, which are sent in the order of each customer, by one
// job for each endpoint. A delivery holds names and no value: what is told is
// asked of the gate at each attempt, and never stored. Who acknowledged what
// stands in a ledger that outlives the customer.
//
// It never sees HTML or chooses words: it is handed a Render function. It never
// opens an address but through release, with the recipient "message". It never
// sends inside a transaction, and no line of a message goes into a log or into
// a row that is not sealed.
//
//	Send ──► queued ──► sent
//	           │  ▲
//	           │  └── retried with growing pauses
//	           ├────► failed   the other side refused for good, or the tries are used up
//	           ├────► expired  the code in it would not help any more
//	           └────► dropped  the house was set back while it waited
package notify
