package server

import (
	"strings"

	"github.com/cardea-id/cardea/internal/core/credential"
)

// DevCode is the code that opens every .test address in development.
const DevCode = "424242"

// DevCodes draws no random code for addresses under the reserved top-level
// domain .test (RFC 6761, 6.2), so that examples can be written down. Only
// `cardea dev` and tests hand it in; serve refuses data that dev has made.
var DevCodes = credential.Codes{Fixed: func(address string) (string, bool) {
	return DevCode, strings.HasSuffix(address, ".test")
}}
