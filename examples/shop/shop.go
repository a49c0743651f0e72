package shop

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cardea-id/cardea/examples/api"
)

//go:embed pages.html shop.css icon.svg
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages.html"))

// Plant is something that the shop sells.
type Plant struct {
	ID, Name, Latin, Words string
	Price                  int // cents
}

// Euros spells the price.
func (p Plant) Euros() string {
	cents := string([]byte{byte('0' + p.Price/10%10), byte('0' + p.Price%10)})
	whole := ""
	for n := p.Price / 100; n > 0; n /= 10 {
		whole = string(rune('0'+n%10)) + whole
	}
	return "€" + whole + "." + cents
}

var plants = []Plant{
	{"fern", "Boston fern", "Nephrolepis exaltata", "Likes a bright bathroom and a weekly shower.", 1850},
	{"fig", "Fiddle-leaf fig", "Ficus lyrata", "Give it one good window and do not move it.", 4200},
	{"pilea", "Pancake plant", "Pilea peperomioides", "Turn it once a week and it grows round.", 1400},
	{"thyme", "Lemon thyme", "Thymus citriodorus", "For the sill, the soup and the bees.", 490},
}

// visit is one browser's session with the shop. It lives in memory.
type visit struct {
	attempt attempt
	wants   string // the plant to buy once signed in
	who     *person
	orders  []Plant
	address string // where orders go, as the API last said
	moving  string // the address to write once the API's wish is met
	back    string // where to go after the sign-in
	ended   bool   // the issuer ended the sign-in meanwhile
}

// Shop is the whole web application.
type Shop struct {
	client client
	mux    *http.ServeMux
	mu     sync.Mutex
	visits map[string]*visit
	heard  []Heard
}

// New returns the shop as a handler.
func New(cfg Config) *Shop {
	own := cfg.Resource != "" && cfg.API == ""
	if own {
		cfg.API = cfg.BaseURL + "/api"
	}
	s := &Shop{client: client{cfg: cfg}, mux: http.NewServeMux(), visits: map[string]*visit{}}
	s.mux.HandleFunc("GET /{$}", s.home)
	s.mux.HandleFunc("GET /signin", s.signIn)
	s.mux.HandleFunc("GET /callback", s.callback)
	s.mux.HandleFunc("POST /buy/{plant}", s.buy)
	s.mux.HandleFunc("GET /orders", s.orders)
	s.mux.HandleFunc("GET /delivery", s.delivery)
	s.mux.HandleFunc("POST /delivery", s.move)
	s.mux.HandleFunc("POST /signout", s.signOut)
	s.mux.HandleFunc("GET /signed-out", s.signedOut)
	s.mux.HandleFunc("POST /backchannel-logout", s.backchannel)
	if cfg.HookSecret != "" {
		s.mux.Handle("POST /hooks/cardea", &api.Hook{Issuer: cfg.Issuer, Secret: cfg.HookSecret, Client: cfg.Client, Now: cfg.Now, Act: s.hear})
		s.mux.HandleFunc("GET /told", s.told)
	}
	s.mux.Handle("GET /shop.css", http.FileServerFS(files))
	s.mux.Handle("GET /icon.svg", http.FileServerFS(files))
	if own {
		// An API of its own would be another program; here it saves starting one.
		known := api.Config{Issuer: cfg.Issuer, Audience: cfg.Resource, Client: cfg.Client, Now: cfg.Now}
		s.mux.Handle("/api/", http.StripPrefix("/api", api.New(known, cfg.Change)))
	}
	return s
}

// ServeHTTP answers one request.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		http.Error(w, "This form was sent from another site.", http.StatusForbidden)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// cookie carries a port-free name of its own, since localhost shares its jar.
const cookie = "fern_and_field"

// with runs act on the browser's visit, which it makes if there is none.
func (s *Shop) with(w http.ResponseWriter, r *http.Request, act func(*visit)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := r.Cookie(cookie); err == nil && s.visits[c.Value] != nil {
		act(s.visits[c.Value])
		return
	}
	act(s.open(w))
}

// open begins a visit under a fresh name.
func (s *Shop) open(w http.ResponseWriter) *visit {
	name, v := rand.Text(), &visit{}
	s.visits[name] = v
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.client.cfg.BaseURL, "https:")})
	return v
}

// close forgets the browser's visit and returns what it was.
func (s *Shop) close(r *http.Request) visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := r.Cookie(cookie)
	if err != nil || s.visits[c.Value] == nil {
		return visit{}
	}
	v := *s.visits[c.Value]
	delete(s.visits, c.Value)
	return v
}

type page struct {
	Title, Account string
	Who            *person
	Ended          bool
	Plants, Orders []Plant
	Delivers       bool // there is an API that knows addresses
	Address        string
	Tip            string // for the place where the customer gardens
	Problem        string
	Hears          bool // the issuer tells it what happens to customers
	Heard          []Heard
}

func (s *Shop) page(w http.ResponseWriter, r *http.Request, title string) page {
	p := page{Title: title, Account: s.client.cfg.AccountURL, Plants: plants, Delivers: s.client.cfg.API != "", Hears: s.client.cfg.HookSecret != ""}
	s.with(w, r, func(v *visit) {
		p.Who, p.Orders, p.Ended = v.who, append([]Plant(nil), v.orders...), v.ended
		p.Address = v.address
		v.ended = false
	})
	return p
}

func (s *Shop) show(w http.ResponseWriter, r *http.Request, name, title string) {
	s.render(w, http.StatusOK, name, s.page(w, r, title))
}

func (s *Shop) render(w http.ResponseWriter, status int, name string, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, p) // the browser went away; nobody is left to tell
}

func (s *Shop) fail(w http.ResponseWriter, err error) {
	s.render(w, http.StatusBadGateway, "problem", page{Title: "Sign-in did not work", Problem: err.Error(), Account: s.client.cfg.AccountURL})
}

func (s *Shop) orders(w http.ResponseWriter, r *http.Request) { s.show(w, r, "orders", "Your orders") }

func (s *Shop) signedOut(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "signed-out", "You are signed out")
}

// signIn sends the browser to the issuer.
func (s *Shop) signIn(w http.ResponseWriter, r *http.Request) {
	to, a, err := s.client.begin(r.Context(), r.URL.Query().Get("prompt"), stepUp{})
	if err != nil {
		s.fail(w, err)
		return
	}
	s.with(w, r, func(v *visit) { v.attempt, v.moving, v.back = a, "", "" })
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// callback is where the issuer sends the browser back. The visit gets a new
// name, so that nobody can have planted the old one.
func (s *Shop) callback(w http.ResponseWriter, r *http.Request) {
	old := s.close(r)
	who, err := s.client.finish(r.Context(), r.URL.Query(), old.attempt)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.mu.Lock()
	v := s.open(w)
	v.who, v.orders = &who, old.orders
	to := "/" + strings.TrimPrefix(old.back, "/")
	if p, ok := find(old.wants); ok {
		v.orders, to = append(v.orders, p), "/orders"
	}
	s.mu.Unlock()
	if err := s.moved(r, old, who); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// buy places the order, after a sign-in if need be.
func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	p, ok := find(r.PathValue("plant"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	to := "/orders"
	s.with(w, r, func(v *visit) {
		if v.who == nil {
			v.wants, to = p.ID, "/signin"
			return
		}
		v.orders = append(v.orders, p)
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signOut ends the visit here and asks the issuer to end its session too.
func (s *Shop) signOut(w http.ResponseWriter, r *http.Request) {
	v := s.close(r)
	to := "/signed-out"
	if v.who != nil && s.client.end != "" {
		to = s.client.signOutURL(*v.who, rand.Text())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// backchannel hears from the issuer that somebody signed out elsewhere.
func (s *Shop) backchannel(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	sub, sid, err := s.client.ended(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		http.Error(w, "not a logout token", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.visits {
		if v.who != nil && (sid == "" || v.who.Sid == sid) && (sub == "" || v.who.Sub == sub) {
			v.who, v.ended = nil, true
		}
	}
}

func find(id string) (Plant, bool) {
	for _, p := range plants {
		if p.ID == id {
			return p, true
		}
	}
	return Plant{}, false
}

// Server returns an http.Server with sane limits around the shop.
func (s *Shop) Server(addr string) *http.Server {
	return &http.Server{Addr: addr, Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
}
