package api

import (
	"context"

	"drawdown"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

type purchasesInput struct {
	AccountPath
	Paging
}

// PurchasePage is a page of purchases.
type PurchasePage struct {
	AsOf       timeText   `json:"as_of,omitempty"`
	Purchases  []Purchase `json:"purchases"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

// Purchase is what became of a purchase.
type Purchase struct {
	Purchase    string      `json:"purchase"`
	Kind        string      `json:"kind" enum:"manual,auto"`
	State       string      `json:"state" enum:"open,settled,failed"`
	Quantity    creditsText `json:"quantity"`
	Amount      moneyText   `json:"amount" doc:"Without tax."`
	Currency    string      `json:"currency"`
	Tax         moneyText   `json:"tax,omitempty"`
	Receipt     string      `json:"receipt,omitempty" doc:"Where the receipt is."`
	Reason      string      `json:"reason,omitempty" doc:"Of a failure, or of the last refusal."`
	Attempts    int         `json:"attempts" doc:"Charges tried."`
	RequestedAt timeText    `json:"requested_at,omitempty" doc:"Absent for an order by hand."`
	SettledAt   timeText    `json:"settled_at,omitempty"`
	FailedAt    timeText    `json:"failed_at,omitempty"`
	Refunded    creditsText `json:"refunded,omitempty" doc:"Credits taken back."`
}

type purchasesAnswer struct {
	Link string `header:"Link"`
	Body PurchasePage
}

func (s *server) purchases(ctx context.Context, in *purchasesInput) (*purchasesAnswer, error) {
	page, err := s.office.Purchases(ctx, principal(ctx), in.Account, report.PurchaseQuery{Account: in.Account, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return &purchasesAnswer{nextLink(ctx, page.Next), PurchasePage{moment(page.AsOf), list(page.Purchases, purchaseOf), page.Next}}, nil
}

func purchaseOf(p report.Purchase) Purchase {
	return Purchase{
		Purchase: p.ID, Kind: p.Kind, State: p.State, Quantity: creditsText(p.Quantity), Amount: moneyText(p.Amount), Currency: p.Currency,
		Tax: moneyText(p.Tax), Receipt: p.Receipt, Reason: p.Reason, Attempts: p.Attempts, RequestedAt: moment(p.RequestedAt),
		SettledAt: moment(p.SettledAt), FailedAt: moment(p.FailedAt), Refunded: creditsText(p.Refunded),
	}
}

// KeyHeader makes a write that is no operation in the log repeatable.
type KeyHeader struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"64" pattern:"^[!-~]+$" doc:"Makes a repetition of this request the same one: for a day the answer is the same."`
}

type orderInput struct {
	AccountPath
	KeyHeader
	Body struct {
		Quantity int64 `json:"quantity" minimum:"1" maximum:"100000000" doc:"Whole credits, within the plan's purchase terms." example:"300"`
	}
}

// Order is an order that was begun.
type Order struct {
	Purchase string `json:"purchase" doc:"The id that the grant will have when the money has arrived."`
	URL      string `json:"url" doc:"Where the customer pays."`
}

type orderAnswer struct{ Body Order }

func (s *server) order(ctx context.Context, in *orderInput) (*orderAnswer, error) {
	order, err := s.office.Order(ctx, principal(ctx), in.Account, in.Body.Quantity, office.Write{Key: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	return &orderAnswer{Order{order.Purchase, order.URL}}, nil
}

// Session is where the customer goes on.
type Session struct {
	URL string `json:"url" doc:"A page of the payment gateway."`
}

type sessionAnswer struct{ Body Session }

type subscribeInput struct {
	AccountPath
	KeyHeader
	Body struct {
		Plan string `json:"plan" minLength:"1" maxLength:"128" doc:"A plan with a subscription." example:"make-10k"`
	}
}

func (s *server) subscribe(ctx context.Context, in *subscribeInput) (*sessionAnswer, error) {
	session, err := s.office.Subscribe(ctx, principal(ctx), in.Account, in.Body.Plan, office.Write{Key: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	return &sessionAnswer{Session{session.URL}}, nil
}

const backupSlot = "backup"

type saveCardInput struct {
	AccountPath
	KeyHeader
	Body struct {
		Slot string `json:"slot" enum:"primary,backup" doc:"primary is what purchases are charged to; backup is tried when it is refused, where the plan says so."`
	}
}

func (s *server) saveCard(ctx context.Context, in *saveCardInput) (*sessionAnswer, error) {
	session, err := s.office.SaveCard(ctx, principal(ctx), in.Account, in.Body.Slot == backupSlot, office.Write{Key: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	return &sessionAnswer{Session{session.URL}}, nil
}

// PaymentMethods are the cards that are saved.
type PaymentMethods struct {
	PaymentMethods []PaymentMethod `json:"payment_methods"`
	PaymentFailed  bool            `json:"payment_failed" doc:"Whether the last charge was refused: save a card again."`
}

// PaymentMethod is a saved card, as the gateway names it.
type PaymentMethod struct {
	Slot   string `json:"slot" enum:"primary,backup"`
	Method string `json:"method"`
}

type paymentMethodsAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   PaymentMethods
}

func (s *server) paymentMethods(ctx context.Context, in *accountInput) (*paymentMethodsAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	body := PaymentMethods{PaymentMethods: []PaymentMethod{}, PaymentFailed: v.Balance.AutoPurchase.PaymentFailed}
	if v.Profile.Primary.Method != "" {
		body.PaymentMethods = append(body.PaymentMethods, PaymentMethod{"primary", v.Profile.Primary.Method})
	}
	if v.Profile.Backup.Method != "" {
		body.PaymentMethods = append(body.PaymentMethods, PaymentMethod{backupSlot, v.Profile.Backup.Method})
	}
	return &paymentMethodsAnswer{in.status(v.ETag), v.ETag, body}, nil
}

type removeCardInput struct {
	AccountPath
	Slot string `path:"slot" enum:"primary,backup"`
	WriteHeaders
}

func (s *server) removeCard(ctx context.Context, in *removeCardInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.RemovePaymentMethod{Backup: in.Slot == backupSlot}, &in.WriteHeaders, "")
}

// AutoPurchase is how an account buys without being asked.
type AutoPurchase struct {
	Enabled       bool       `json:"enabled"`
	MaxAmount     moneyText  `json:"max_amount,omitempty" doc:"The customer's own limit a period; absent: none."`
	Currency      string     `json:"currency"`
	Terms         *AutoTerms `json:"terms,omitempty" doc:"The plan's; absent where the plan has no auto-purchase."`
	AutoPurchases int64      `json:"auto_purchases" doc:"Those settled in the period, and the open one."`
	Amount        moneyText  `json:"amount" doc:"Of the period."`
	Open          string     `json:"open,omitempty" doc:"The purchase under way."`
	PaymentFailed bool       `json:"payment_failed" doc:"Nothing is bought until a card is saved."`
}

type autoPurchaseAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   AutoPurchase
}

func (s *server) autoPurchase(ctx context.Context, in *accountInput) (*autoPurchaseAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	a := &v.Balance.AutoPurchase
	body := AutoPurchase{Enabled: a.Enabled, AutoPurchases: a.AutoPurchases, Amount: money(a.Amount), Open: a.Open, PaymentFailed: a.PaymentFailed}
	if v.MaxAmount != nil {
		body.MaxAmount = money(*v.MaxAmount)
	}
	if v.Plan != nil {
		body.Currency, body.Terms = v.Plan.Currency, autoTermsOf(v.Plan.AutoPurchase)
	}
	return &autoPurchaseAnswer{in.status(v.ETag), v.ETag, body}, nil
}

type setAutoPurchaseInput struct {
	AccountPath
	WriteHeaders
	Body struct {
		Enabled   bool      `json:"enabled"`
		MaxAmount moneyText `json:"max_amount,omitempty" doc:"The customer's own limit a period; absent: none."`
	}
}

func (s *server) setAutoPurchase(ctx context.Context, in *setAutoPurchaseInput) (*WriteAnswer, error) {
	action := office.SetAutoPurchase{Enabled: in.Body.Enabled}
	if in.Body.MaxAmount != "" {
		limit, err := parseMoney(ctx, "body.max_amount", in.Body.MaxAmount)
		if err != nil {
			return nil, err
		}
		action.MaxAmount = &limit
	}
	return s.do(ctx, in.Account, action, &in.WriteHeaders, "")
}

// Program is an account's part in the Free Connector Program.
type Program struct {
	Enrolled      bool           `json:"enrolled"`
	EnrolledAt    timeText       `json:"enrolled_at,omitempty"`
	Preconditions []Precondition `json:"preconditions"`
}

// Precondition is what enrolment asks for.
type Precondition struct {
	Name string `json:"name" enum:"email_verified,payment_method,eligible_connector"`
	Met  bool   `json:"met"`
	What string `json:"what" doc:"What it asks for, for people."`
}

type programAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Program
}

func (s *server) program(ctx context.Context, in *accountInput) (*programAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &programAnswer{in.status(v.ETag), v.ETag, Program{
		Enrolled: v.EnrolledAt != drawdown.NoTime, EnrolledAt: instant(v.EnrolledAt),
		Preconditions: []Precondition{
			{"email_verified", v.Enrolment.EmailVerified, "The account's e-mail address is verified."},
			{"payment_method", v.Enrolment.PaymentMethod, "A card is saved."},
			{"eligible_connector", v.Enrolment.EligibleConnection, "A connection has an alpha or beta connector."},
		},
	}}, nil
}

func (s *server) enrol(ctx context.Context, in *bareWriteInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.Enrol{}, &in.WriteHeaders, "")
}
