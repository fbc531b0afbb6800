package stripe

import (
	"context"
	"strconv"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// SaveCard begins a checkout session in which the customer saves a card for payments without them.
func (g *Gateway) SaveCard(ctx context.Context, c *purchasing.CardSetup) (purchasing.Session, error) {
	s := g.session(api.CheckoutSessionModeSetup, &c.Visitor)
	s.PaymentMethodTypes = api.StringSlice([]string{"card"}) // the contract takes no other kind
	s.Metadata[metaBackup] = strconv.FormatBool(c.Backup)
	return g.begin(ctx, &c.Visitor, s)
}

// Order begins a checkout session in which the customer buys credits. A line item is one unit of the plan.
func (g *Gateway) Order(ctx context.Context, o *purchasing.Order) (purchasing.Session, error) {
	quantity, least, most, err := units(o.Plan.Purchase, o.Quantity)
	if err != nil {
		return purchasing.Session{}, err
	}
	amount, err := unitAmount(o.Plan)
	if err != nil {
		return purchasing.Session{}, err
	}
	s := g.session(api.CheckoutSessionModePayment, &o.Visitor)
	s.Metadata[metaPurchase], s.Metadata[metaUnit] = o.Purchase, strconv.FormatInt(o.Plan.Purchase.Unit, 10)
	s.LineItems = []*api.CheckoutSessionCreateLineItemParams{{
		Quantity: api.Int64(quantity),
		AdjustableQuantity: &api.CheckoutSessionCreateLineItemAdjustableQuantityParams{
			Enabled: api.Bool(least < most), Minimum: api.Int64(least), Maximum: api.Int64(most),
		},
		PriceData: &api.CheckoutSessionCreateLineItemPriceDataParams{
			Currency: api.String(lower(o.Plan.Currency)), ProductData: g.product(o.Plan.Purchase.Unit), TaxBehavior: api.String("exclusive"),
		},
	}}
	if least == most {
		s.LineItems[0].AdjustableQuantity = nil
	}
	// The library has a floating point number here. Stripe reads a decimal.
	s.AddExtra("line_items[0][price_data][unit_amount_decimal]", amount)
	s.PaymentIntentData = &api.CheckoutSessionCreatePaymentIntentDataParams{
		Metadata: s.Metadata, Description: api.String(g.config.ProductName + " (" + o.Purchase + ")"),
	}
	if g.config.ReceiptEmail && o.Email != "" {
		s.PaymentIntentData.ReceiptEmail = api.String(o.Email)
	}
	if g.config.InvoiceCreation {
		s.InvoiceCreation = &api.CheckoutSessionCreateInvoiceCreationParams{
			Enabled:     api.Bool(true),
			InvoiceData: &api.CheckoutSessionCreateInvoiceCreationInvoiceDataParams{Metadata: s.Metadata},
		}
	}
	g.tax(s)
	return g.begin(ctx, &o.Visitor, s)
}

// product is one unit of credits, as the customer reads it.
func (g *Gateway) product(unit int64) *api.CheckoutSessionCreateLineItemPriceDataProductDataParams {
	name := g.config.ProductName
	if unit > 1 {
		name = strconv.FormatInt(unit, 10) + " " + name
	}
	p := &api.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: api.String(name)}
	if g.config.TaxCode != "" {
		p.TaxCode = api.String(g.config.TaxCode)
	}
	return p
}

// Subscribe begins a checkout session in which the customer subscribes to a price.
func (g *Gateway) Subscribe(ctx context.Context, o *purchasing.SubscriptionOrder) (purchasing.Session, error) {
	s := g.session(api.CheckoutSessionModeSubscription, &o.Visitor)
	s.LineItems = []*api.CheckoutSessionCreateLineItemParams{{Price: api.String(o.Price), Quantity: api.Int64(1)}}
	s.SubscriptionData = &api.CheckoutSessionCreateSubscriptionDataParams{Metadata: map[string]string{metaAccount: o.Account}}
	g.tax(s)
	return g.begin(ctx, &o.Visitor, s)
}

// tax has Stripe compute tax, for which it needs the customer's address and, of companies, name and number.
func (g *Gateway) tax(s *api.CheckoutSessionCreateParams) {
	if !g.config.AutomaticTax {
		return
	}
	s.AutomaticTax = &api.CheckoutSessionCreateAutomaticTaxParams{Enabled: api.Bool(true)}
	s.TaxIDCollection = &api.CheckoutSessionCreateTaxIDCollectionParams{Enabled: api.Bool(true)}
	s.CustomerUpdate = &api.CheckoutSessionCreateCustomerUpdateParams{Address: api.String("auto"), Name: api.String("auto")}
}

func (g *Gateway) session(mode api.CheckoutSessionMode, v *purchasing.Visitor) *api.CheckoutSessionCreateParams {
	return &api.CheckoutSessionCreateParams{
		Mode: api.String(string(mode)), SuccessURL: api.String(v.SuccessURL), CancelURL: api.String(v.CancelURL),
		ClientReferenceID: api.String(v.Account), Metadata: map[string]string{metaAccount: v.Account},
	}
}

// begin creates a session for the account's customer.
func (g *Gateway) begin(ctx context.Context, v *purchasing.Visitor, s *api.CheckoutSessionCreateParams) (purchasing.Session, error) {
	customer, err := g.customer(ctx, v)
	if err != nil {
		return purchasing.Session{}, err
	}
	s.Customer = api.String(customer)
	if v.Key != "" {
		s.SetIdempotencyKey("drawdown/session/" + v.Key)
	}
	made, err := g.client.V1CheckoutSessions.Create(ctx, s)
	if failed := g.failure("create checkout session", err); failed != nil {
		return purchasing.Session{}, failed
	}
	return purchasing.Session{ID: made.ID, URL: made.URL, Customer: customer}, nil
}
