package decode

import "drawdown"

// readOperation reads the data of a record that is not usage, and reports whether it has the type's form.
// data was scanned before and is an object.
func readOperation(t drawdown.Type, data []byte) (drawdown.Operation, bool) {
	broken := false
	s := scanner{data}
	m := membersOf(parse(&s, value{kind: object, end: len(data)}), &broken)
	operation := readMembers(t, m)
	return operation, !broken
}

func readMembers(t drawdown.Type, m members) drawdown.Operation {
	switch t {
	case drawdown.AccountOpened:
		return &drawdown.OpenAccount{
			Plan: m.name("plan"), Email: m.name("email"), EmailVerified: m.boolean("email_verified"),
		}
	case drawdown.PlanChanged:
		return &drawdown.ChangePlan{
			Plan: m.name("plan"), AtPeriodEnd: m.oneOf("when", "now", "period_end") == "period_end",
		}
	case drawdown.PaymentMethodSaved:
		return &drawdown.SavePaymentMethod{
			Method: m.name("method"), Kind: m.name("kind"), Customer: m.optionalName("customer"),
			Backup: m.optionalBoolean("backup"),
		}
	case drawdown.PaymentMethodRemoved:
		return &drawdown.RemovePaymentMethod{Backup: m.optionalBoolean("backup")}
	case drawdown.AutoPurchaseSet:
		return &drawdown.SetAutoPurchase{Enabled: m.boolean("enabled"), MaxAmount: m.optionalMoney("max_amount")}
	case drawdown.ConnectionSet:
		return &drawdown.SetConnection{
			Connection:           m.name("connection"),
			SourceConnector:      m.name("source_connector"),
			DestinationConnector: m.name("destination_connector"),
		}
	case drawdown.ConnectionRemoved:
		return &drawdown.RemoveConnection{Connection: m.name("connection")}
	case drawdown.CreditsGranted:
		return readGrant(m)
	case drawdown.CreditsVoided:
		return &drawdown.VoidCredits{Grant: m.reference("grant")}
	case drawdown.PurchaseSettled:
		return readSettled(m)
	case drawdown.PurchaseFailed:
		return &drawdown.FailPurchase{
			Purchase: m.reference("purchase"), Reason: m.name("reason"),
			Attempt: m.optionalInteger("attempt", 1, drawdown.MaxInteger, 0),
		}
	case drawdown.PurchaseRefunded:
		return readRefund(m)
	case drawdown.ContactsSet:
		return readContacts(m)
	case drawdown.WebhookSet:
		return readWebhook(m)
	case drawdown.WebhookRemoved:
		return &drawdown.RemoveWebhook{Endpoint: m.name("endpoint")}
	case drawdown.WebhookDisabled:
		return &drawdown.DisableWebhook{Endpoint: m.name("endpoint"), Reason: m.name("reason")}
	case drawdown.PlanPublished:
		return readPlan(m)
	case drawdown.RatesPublished:
		return readRates(m)
	case drawdown.ConnectorSet:
		return readConnector(m)
	default:
		return readGateMembers(t, m)
	}
}

func readGrant(m members) *drawdown.GrantCredits {
	grant := &drawdown.GrantCredits{
		Amount: m.credits("amount"), Category: drawdown.PromotionalGrant,
		ExpiresAt: m.optionalTime("expires_at", drawdown.Never),
	}
	if m.oneOf("category", "promotional", "purchased") == "purchased" {
		grant.Category = drawdown.PurchasedGrant
	}
	return grant
}

func readSettled(m members) *drawdown.SettlePurchase {
	settled := &drawdown.SettlePurchase{
		Purchase: m.reference("purchase"),
		Auto:     m.oneOf("kind", "manual", "auto") == "auto",
		Quantity: m.credits("quantity"),
		Amount:   m.money("amount"),
		Currency: m.currency("currency"),
		Tax:      m.optionalMoney("tax"),
	}
	if m.has("receipt") {
		receipt := m.sized("receipt", drawdown.MaxReceiptLen)
		settled.Receipt = &receipt
	}
	_, whole := settled.Quantity.WholeCredits()
	m.require(whole && settled.Quantity > 0)
	return settled
}

func readRates(m members) *drawdown.RateCard {
	card := &drawdown.RateCard{Version: m.name("version"), EffectiveFrom: m.time("effective_from")}
	kinds := map[string]bool{}
	for _, item := range m.list("rates") {
		r := membersOf(item, m.broken)
		rate := drawdown.Rate{
			Kind: r.name("kind"), Credits: r.credits("credits"), Per: uint64(r.integer("per", 1, drawdown.MaxInteger)),
		}
		var known bool
		rate.Meter, known = drawdown.ParseMeter(r.bytes("meter"))
		r.require(known && rate.Credits >= 0 && !kinds[rate.Kind])
		kinds[rate.Kind] = true
		card.Rates = append(card.Rates, rate)
	}
	return card
}

func readConnector(m members) *drawdown.ConnectorEntry {
	entry := &drawdown.ConnectorEntry{
		Connector: m.name("connector"), Kind: m.name("kind"),
		EffectiveAt: m.optionalTime("effective_at", drawdown.NoTime),
	}
	var known bool
	entry.Stage, known = drawdown.ParseStage(m.bytes("stage"))
	m.require(known)
	return entry
}
