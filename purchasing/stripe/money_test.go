package stripe

import (
	"strings"
	"testing"

	"drawdown"
)

func parse(t *testing.T, s string) drawdown.Money {
	t.Helper()
	m, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		t.Fatal(s)
	}
	return m
}

func TestSmallestUnits(t *testing.T) {
	for _, test := range []struct {
		amount, currency string
		units            int64
		reason           string
	}{
		{"11.70", "USD", 1170, ""},
		{"0.00", "EUR", 0, ""},
		{"1170.00", "JPY", 1170, ""},
		{"11.70", "JPY", 0, "currency_unsupported"},
		{"11.70", "KWD", 11700, ""},
		{"5.00", "UGX", 500, ""},
		{"5.50", "UGX", 0, "currency_unsupported"},
		{"5.00", "ISK", 500, ""},
		{"5.55", "HUF", 555, ""},
		{"1.00", "usd", 0, "currency_unsupported"},
		{"1.00", "", 0, "currency_unsupported"},
		{"999999999999999.99", "KWD", 999999999999999990, ""},
	} {
		units, reason := smallestUnits(parse(t, test.amount), test.currency)
		if units != test.units || reason != test.reason {
			t.Errorf("%s %s is %d (%s), want %d (%s)", test.amount, test.currency, units, reason, test.units, test.reason)
		}
		if reason == "" && money(units, test.currency).String() != test.amount {
			t.Errorf("%s %s comes back as %s", test.amount, test.currency, money(units, test.currency))
		}
	}
	huge := drawdown.Money{Cents: drawdown.Total128(1, 0)}
	if _, reason := smallestUnits(huge, "USD"); reason != "amount_too_large" {
		t.Errorf("an amount beyond 64 bits: %s", reason)
	}
	for units, want := range map[int64]string{1234: "1.23", 1235: "1.24", 1239: "1.24", -1: "0.00"} {
		if got := money(units, "kwd").String(); got != want {
			t.Errorf("%d fils are %s, want %s", units, got, want)
		}
	}
}

func TestUnitAmount(t *testing.T) {
	price := func(nano int64) *drawdown.UnitPrice { p := drawdown.UnitPrice(nano); return &p }
	subscription := func(amount string, credits drawdown.Credits) *drawdown.Subscription {
		return &drawdown.Subscription{Credits: credits * drawdown.Credit, Price: parse(t, amount)}
	}
	for want, plan := range map[string]*drawdown.Plan{
		"250":         {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1, UnitPrice: price(2_500_000_000)}},
		"90":          {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1000}, Subscription: subscription("9.00", 10_000)},
		"0.09":        {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1}, Subscription: subscription("9.00", 10_000)},
		"0.0000001":   {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1, UnitPrice: price(1)}},
		"333.3333333": {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1, UnitPrice: price(3_333_333_333)}},
		"2.5":         {Currency: "JPY", Purchase: drawdown.PurchaseTerms{Unit: 1, UnitPrice: price(2_500_000_000)}},
		"2500":        {Currency: "KWD", Purchase: drawdown.PurchaseTerms{Unit: 1, UnitPrice: price(2_500_000_000)}},
		"0":           {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 10, UnitPrice: price(0)}},
		"33.333333333333": {Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1},
			Subscription: subscription("1.00", 3)},
	} {
		got, err := unitAmount(plan)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("unit amount %s, want %s", got, want)
		}
	}
	if _, err := unitAmount(&drawdown.Plan{}); err == nil {
		t.Error("a plan without a price has one")
	}
}

func TestUnits(t *testing.T) {
	terms := drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1_000_000}
	if n, least, most, err := units(terms, 7000); n != 7 || least != 1 || most != 1000 || err != nil {
		t.Errorf("%d within %d to %d, %v", n, least, most, err)
	}
	if _, _, most, err := units(drawdown.PurchaseTerms{Unit: 1, Min: 1, Max: 100_000_000}, 5); most != 999_999 || err != nil {
		t.Errorf("at most %d, %v", most, err)
	}
	for _, quantity := range []int64{0, 500, 1500, 2_000_000, -1000} {
		if _, _, _, err := units(terms, quantity); err == nil {
			t.Errorf("%d is within the terms", quantity)
		}
	}
}

func TestReasons(t *testing.T) {
	for _, test := range []struct{ code, decline, want string }{
		{"card_declined", "generic_decline", "card_declined"},
		{"card_declined", "insufficient_funds", "insufficient_funds"},
		{"card_declined", "stolen_card", "card_declined"},
		{"card_declined", "", "card_declined"},
		{"expired_card", "expired_card", "expired_card"},
		{"authentication_required", "authentication_required", "authentication_required"},
		{"processing_error", "processing_error", "processing_error"},
		{"", "", "card_declined"},
	} {
		if got := reasonOf(test.code, test.decline); got != test.want {
			t.Errorf("%s/%s is %s, want %s", test.code, test.decline, got, test.want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Default()
	good.SecretKey, good.WebhookSecrets = "sk_live_1", []string{"whsec_1", "whsec_2"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := Config{SecretKey: "pk_live_hidden", WebhookSecrets: []string{"hidden"}, APIBase: "http://api.stripe.com"}
	err := bad.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 6 {
		t.Fatalf("faults: %v", err)
	}
	for _, fault := range joined.Unwrap() {
		if text := fault.Error(); text == "" || len(text) > 200 || strings.Contains(text, "hidden") {
			t.Errorf("fault %q", text)
		}
	}
}
