// Command shop runs the example shop against any issuer:
//
//	ISSUER=https://id.example.com CLIENT_ID=app_… CLIENT_SECRET=… go run ./examples/shop/cmd/shop
//
// With RESOURCE, the audience of an API with the scopes orders:read and
// orders:write that the shop may ask for, there is a page for the delivery
// address too, which takes a proof of the last five minutes.
package main

import (
	"log"
	"os"
	"time"

	"github.com/cardea-id/cardea/examples/api"
	"github.com/cardea-id/cardea/examples/shop"
)

func main() {
	issuer := os.Getenv("ISSUER")
	s := shop.New(shop.Config{
		Issuer: issuer, ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"),
		BaseURL: "http://localhost:8090", AccountURL: issuer + "/account",
		Resource: os.Getenv("RESOURCE"), Change: api.Need{MaxAge: 5 * time.Minute},
	})
	log.Print("Fern & Field answers at http://localhost:8090")
	log.Fatal(s.Server("127.0.0.1:8090").ListenAndServe())
}
