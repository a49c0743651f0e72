// Command breach builds the filter of common passwords that the program carries:
// internal/core/credential/common.breach. Run it from the repository's root with
// the passwords.json of the npm package that internal/core/credential/THIRD_PARTY
// names:
//
//	npm pack @zxcvbn-ts/language-common@4.1.3
//	tar xzf zxcvbn-ts-language-common-4.1.3.tgz package/src/passwords.json
//	go run ./tools/breach package/src/passwords.json internal/core/credential/common.breach
//
// The same list gives the same bytes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/core/credential"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: breach passwords.json common.breach")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "breach:", err)
		os.Exit(1)
	}
}

func run(list, out string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var words []string
	if err := json.Unmarshal(text, &words); err != nil {
		return err
	}
	rep, err := credential.BuildWords(strings.NewReader(strings.Join(words, "\n")), out)
	if err == nil {
		fmt.Printf("%d passwords, %d bytes\n", rep.Kept, rep.Bytes)
	}
	return err
}
