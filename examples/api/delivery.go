package api

import (
	"encoding/json"
	"net/http"
	"sync"
)

// Delivery keeps where each customer's orders go. It lives in memory.
type Delivery struct {
	mux *http.ServeMux
	mu  sync.Mutex
	to  map[string]string // by the subject of the token
}

// Address is what is sent and answered.
type Address struct {
	Address string `json:"address"`
}

// New returns the API. Reading takes the scope orders:read; writing takes
// orders:write and what change says: an address that somebody else put there
// sends the goods to them.
func New(cfg Config, change Need) *Delivery {
	d := &Delivery{mux: http.NewServeMux(), to: map[string]string{}}
	g := NewGuard(cfg)
	change.Scope = "orders:write"
	d.mux.Handle("GET /delivery", g.Require(Need{Scope: "orders:read"}, d.read))
	d.mux.Handle("PUT /delivery", g.Require(change, d.write))
	return d
}

// ServeHTTP answers one request.
func (d *Delivery) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

func (d *Delivery) read(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Address{d.to[Of(r).Subject]}) // the client went away
}

func (d *Delivery) write(w http.ResponseWriter, r *http.Request) {
	var a Address
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&a); err != nil || len(a.Address) > 500 {
		http.Error(w, "not an address", http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to[Of(r).Subject] = a.Address
	w.WriteHeader(http.StatusNoContent)
}
