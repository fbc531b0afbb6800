package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// claimAt returns the claim of a name, or else at a path: some providers put a URL before a claim's name, dots and all,
// and others nest claims. It returns nil where there is none.
func claimAt(claims map[string]json.RawMessage, path string) json.RawMessage {
	if claim, there := claims[path]; there {
		return claim
	}
	first, rest, nested := strings.Cut(path, ".")
	inner, there := claims[first]
	if !nested || !there {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(inner, &members) != nil {
		return nil
	}
	return claimAt(members, rest)
}

// principalIDMax bounds a principal's id, which stands in the source of operations: those have 256 bytes.
const principalIDMax = 200

// personID names a person of an identity provider: `oidc:ISSUER#SUBJECT`, or a hash of that where it is too long.
func personID(issuer, subject string) string {
	id := "oidc:" + issuer + "#" + subject
	if len(id) <= principalIDMax {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "oidc:sha256:" + hex.EncodeToString(sum[:])
}
