// Command shop runs the example shop against any issuer:
//
//	ISSUER=https://id.example.com CLIENT_ID=app_… CLIENT_SECRET=… go run ./examples/shop/cmd/shop
package main

import (
	"log"
	"os"

	"github.com/cardea-id/cardea/examples/shop"
)

func main() {
	issuer := os.Getenv("ISSUER")
	s := shop.New(shop.Config{
		Issuer: issuer, ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"),
		BaseURL: "http://localhost:8090", AccountURL: issuer + "/account",
	})
	log.Print("Fern & Field answers at http://localhost:8090")
	log.Fatal(s.Server("127.0.0.1:8090").ListenAndServe())
}
