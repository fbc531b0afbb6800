package office

import (
	"time"

	"drawdown"
)

// Action is something to be done to an account. The types below are a closed set; each becomes one operation (contract,
// sections 3, 9 and 10) and asks for one scope.
type Action interface{ action() }

// What can be done to an account.
type (
	// OpenAccount opens the account.
	OpenAccount struct {
		Plan, Email   string
		EmailVerified bool
	}
	// ChangePlan moves the account to another plan.
	ChangePlan struct {
		Plan        string
		AtPeriodEnd bool
	}
	// VerifyEmail says that the account's e-mail belongs to its customer.
	VerifyEmail struct{}
	// Grant gives credits. ExpiresAt zero: never.
	Grant struct {
		Amount    drawdown.Credits
		Category  drawdown.Category
		ExpiresAt time.Time
	}
	// Void takes back what is left of a grant.
	Void struct{ Grant string }
	// RemovePaymentMethod forgets the primary card, or the backup.
	RemovePaymentMethod struct{ Backup bool }
	// SetAutoPurchase turns auto-purchase on or off; MaxAmount is the customer's own limit a period, nil for none.
	SetAutoPurchase struct {
		Enabled   bool
		MaxAmount *drawdown.Money
	}
	// Enrol joins the Free Connector Program.
	Enrol struct{}
	// SetConnection makes a connection known.
	SetConnection struct{ Connection, Source, Destination string }
	// RemoveConnection forgets one.
	RemoveConnection struct{ Connection string }
	// Prioritize sets a connection's priority: critical, normal, low.
	Prioritize struct{ Connection, Priority string }
	// SetGate sets the reserve and the breaker. RunawayFactor 0: off.
	SetGate struct {
		Reserve       drawdown.Credits
		RunawayFactor int64
		RunawayMin    drawdown.Credits
	}
	// AcknowledgeRunaway lets a stopped connection start again.
	AcknowledgeRunaway struct{ Connection string }
	// SetContacts changes who is told; nil members stay as they are.
	SetContacts struct {
		Email         *string
		EmailVerified bool // operators only
		Recipients    *[]string
		OptOuts       *[]string
	}
	// SetWebhook sets an endpoint. Kinds nil: all. SecretVersion 0: 1, or the one it has.
	SetWebhook struct {
		Endpoint, URL string
		Kinds         []string
		SecretVersion int64
	}
	// RemoveWebhook removes one.
	RemoveWebhook struct{ Endpoint string }
	// PlaceHold holds credits for a sync (contract, section 10).
	PlaceHold struct {
		Hold, Connection string
		Job              uint64
		Amount           drawdown.Credits
		ExpiresAt        time.Time
		Wait             bool
	}
	// ReleaseHold ends a hold.
	ReleaseHold struct{ Hold string }
)

func (OpenAccount) action()         {}
func (ChangePlan) action()          {}
func (VerifyEmail) action()         {}
func (Grant) action()               {}
func (Void) action()                {}
func (RemovePaymentMethod) action() {}
func (SetAutoPurchase) action()     {}
func (Enrol) action()               {}
func (SetConnection) action()       {}
func (RemoveConnection) action()    {}
func (Prioritize) action()          {}
func (SetGate) action()             {}
func (AcknowledgeRunaway) action()  {}
func (SetContacts) action()         {}
func (SetWebhook) action()          {}
func (RemoveWebhook) action()       {}
func (PlaceHold) action()           {}
func (ReleaseHold) action()         {}
