package office

import (
	"time"

	"drawdown"
	"drawdown/api/access"
)

// terms is what an action becomes: an operation of a type, for whoever has a scope.
type terms struct {
	scope      access.Scope
	recordType drawdown.Type
	data       map[string]any // nil where the type has no members
}

// termsOf is the table of actions (contract, sections 3, 9 and 10). Members that are optional there are left out where they
// would say nothing.
func termsOf(a Action) terms {
	switch a := a.(type) {
	case OpenAccount:
		return terms{access.Administer, drawdown.AccountOpened, map[string]any{
			"plan": a.Plan, "email": a.Email, "email_verified": a.EmailVerified,
		}}
	case ChangePlan:
		return terms{access.Administer, drawdown.PlanChanged, map[string]any{"plan": a.Plan, "when": when(a.AtPeriodEnd)}}
	case VerifyEmail:
		return terms{access.Administer, drawdown.EmailVerified, nil}
	case Grant:
		return terms{access.Administer, drawdown.CreditsGranted, grantData(a)}
	case Void:
		return terms{access.Administer, drawdown.CreditsVoided, map[string]any{"grant": a.Grant}}
	case RemovePaymentMethod:
		return terms{access.Buy, drawdown.PaymentMethodRemoved, map[string]any{"backup": a.Backup}}
	case SetAutoPurchase:
		return terms{access.Buy, drawdown.AutoPurchaseSet, autoPurchaseData(a)}
	case Enrol:
		return terms{access.SetAccount, drawdown.ProgramEnrolled, nil}
	case SetConnection:
		return terms{access.ReportUsage, drawdown.ConnectionSet, map[string]any{
			"connection": a.Connection, "source_connector": a.Source, "destination_connector": a.Destination,
		}}
	case RemoveConnection:
		return terms{access.ReportUsage, drawdown.ConnectionRemoved, map[string]any{"connection": a.Connection}}
	case Prioritize:
		return terms{access.SetAccount, drawdown.ConnectionPrioritized, map[string]any{"connection": a.Connection, "priority": a.Priority}}
	case SetGate:
		return terms{access.SetAccount, drawdown.GateSet, gateData(a)}
	case AcknowledgeRunaway:
		return terms{access.SetAccount, drawdown.RunawayAcknowledged, map[string]any{"connection": a.Connection}}
	case SetContacts:
		return terms{access.SetAccount, drawdown.ContactsSet, contactsData(a)}
	case SetWebhook:
		return terms{access.SetAccount, drawdown.WebhookSet, webhookData(a)}
	case RemoveWebhook:
		return terms{access.SetAccount, drawdown.WebhookRemoved, map[string]any{"endpoint": a.Endpoint}}
	case PlaceHold:
		return terms{access.PlaceHolds, drawdown.HoldPlaced, map[string]any{
			"hold": a.Hold, "connection": a.Connection, "job": a.Job, "amount": a.Amount.String(),
			"expires_at": stamp(a.ExpiresAt), "wait": a.Wait,
		}}
	case ReleaseHold:
		return terms{access.PlaceHolds, drawdown.HoldReleased, map[string]any{"hold": a.Hold}}
	default:
		panic("office: an action that is none of the closed set")
	}
}

// actions has one of each action: what is true of all of them is tested over this list.
var actions = []Action{
	OpenAccount{}, ChangePlan{}, VerifyEmail{}, Grant{}, Void{}, RemovePaymentMethod{}, SetAutoPurchase{}, Enrol{},
	SetConnection{}, RemoveConnection{}, Prioritize{}, SetGate{}, AcknowledgeRunaway{}, SetContacts{}, SetWebhook{},
	RemoveWebhook{}, PlaceHold{}, ReleaseHold{},
}

// ScopeOf is the scope that an action asks for.
func ScopeOf(a Action) access.Scope { return termsOf(a).scope }

func when(atPeriodEnd bool) string {
	if atPeriodEnd {
		return "period_end"
	}
	return "now"
}

// stamp writes a time as records have it.
func stamp(t time.Time) string { return drawdown.TimeOf(t).String() }

func grantData(a Grant) map[string]any {
	data := map[string]any{"amount": a.Amount.String(), "category": a.Category.String()}
	if !a.ExpiresAt.IsZero() {
		data["expires_at"] = stamp(a.ExpiresAt)
	}
	return data
}

func autoPurchaseData(a SetAutoPurchase) map[string]any {
	data := map[string]any{"enabled": a.Enabled}
	if a.MaxAmount != nil {
		data["max_amount"] = a.MaxAmount.String()
	}
	return data
}

func gateData(a SetGate) map[string]any {
	data := map[string]any{"reserve": a.Reserve.String(), "runaway_min": a.RunawayMin.String()}
	if a.RunawayFactor != 0 {
		data["runaway_factor"] = a.RunawayFactor
	}
	return data
}

func contactsData(a SetContacts) map[string]any {
	data := map[string]any{}
	if a.Email != nil {
		data["email"], data["email_verified"] = *a.Email, a.EmailVerified
	}
	if a.Recipients != nil {
		data["recipients"] = append([]string{}, *a.Recipients...)
	}
	if a.OptOuts != nil {
		data["opt_outs"] = append([]string{}, *a.OptOuts...)
	}
	return data
}

func webhookData(a SetWebhook) map[string]any {
	data := map[string]any{"endpoint": a.Endpoint, "url": a.URL}
	if a.Kinds != nil {
		data["kinds"] = append([]string{}, a.Kinds...)
	}
	if a.SecretVersion != 0 {
		data["secret_version"] = a.SecretVersion
	}
	return data
}
