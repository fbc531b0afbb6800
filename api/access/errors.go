package access

import (
	"errors"
	"log/slog"
)

// ErrUnauthenticated says that a credential is not valid. What a caller is told must not depend on why: see
// [UnauthenticatedError].
var ErrUnauthenticated = errors.New("access: the credential is not valid")

// ErrUnavailable says that a credential could not be checked: the keys were not read to their end yet, or the identity
// provider is away. Asking again later may help.
var ErrUnavailable = errors.New("access: the credential can't be checked at present")

// Errors of managing keys.
var (
	// ErrNoSuchKey: there is none, or it is not the asker's to see.
	ErrNoSuchKey = errors.New("access: there is no such key")
	// ErrKeyEnded: the key is revoked or has expired; issue another one.
	ErrKeyEnded = errors.New("access: the key is revoked or has expired; issue another one")
	// ErrKeyChanged: somebody else rotated or revoked the key at the same moment; look at it again.
	ErrKeyChanged = errors.New("access: the key was changed by somebody else at the same moment; look at it again")
	// ErrBeyondIssuer: nobody gets a secret that may do more than they may themselves.
	ErrBeyondIssuer = errors.New("access: the key may do more than who asks for its secret")
	// ErrKeyExists: there is a key of the id that was asked for. Nobody gets its secret a second time.
	ErrKeyExists = errors.New("access: there is a key of that id")
	// ErrTooManyKeys: KeysMax is reached.
	ErrTooManyKeys = errors.New("access: there are too many keys")
)

// InvalidKeyError says what is wrong with a key that was asked for, all at once.
type InvalidKeyError struct{ Err error }

func (e *InvalidKeyError) Error() string {
	return "access: the key can't be as asked for: " + e.Err.Error()
}
func (e *InvalidKeyError) Unwrap() error { return e.Err }

// CredentialKind is a kind of credential.
type CredentialKind string

// The kinds of credentials.
const (
	KeyCredential     CredentialKind = "key"     // an API key
	TokenCredential   CredentialKind = "token"   // a token of an identity provider
	SessionCredential CredentialKind = "session" // a session of the billing page
	LinkCredential    CredentialKind = "link"    // a sign-in link
	LoginCredential   CredentialKind = "login"   // an answer of an identity provider to a sign-in
)

// UnauthenticatedError is an [ErrUnauthenticated] that knows why. Error does not tell, so that an answer made of it
// helps nobody who guesses; [UnauthenticatedError.Why] and logs do. Neither has secrets.
type UnauthenticatedError struct {
	Credential CredentialKind
	// Principal is whose credential it was, as far as that is known: "key:dk_…"; "" where it is not.
	Principal string
	reason    string
}

func (e *UnauthenticatedError) Error() string { return ErrUnauthenticated.Error() }

// Is makes it an [ErrUnauthenticated].
func (e *UnauthenticatedError) Is(target error) bool { return target == ErrUnauthenticated }

// Why is the reason, for logs only.
func (e *UnauthenticatedError) Why() string { return e.reason }

// LogValue tells why.
func (e *UnauthenticatedError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("credential", string(e.Credential)), slog.String("principal", e.Principal), slog.String("why", e.reason))
}

// whyMax bounds a reason: parts of it may come from who sent the credential.
const whyMax = 200

func refuse(credential CredentialKind, principal, why string) error {
	if len(why) > whyMax {
		why = why[:whyMax]
	}
	return &UnauthenticatedError{Credential: credential, Principal: principal, reason: why}
}
