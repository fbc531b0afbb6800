package api

import (
	"context"
	"encoding/json"

	"drawdown"
	"drawdown/api/office"
	"drawdown/notify"
)

// Contacts are who is told, and of what not.
type Contacts struct {
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Recipients    []string `json:"recipients" doc:"Who else gets notices by e-mail."`
	OptOuts       []string `json:"opt_outs" doc:"Kinds of notices that are not wanted."`
}

type contactsAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Contacts
}

func (s *server) contacts(ctx context.Context, in *accountInput) (*contactsAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	p := &v.Profile
	return &contactsAnswer{in.status(v.ETag), v.ETag, Contacts{
		p.Email, p.EmailVerified, append([]string{}, p.Recipients...), append([]string{}, p.OptOuts...),
	}}, nil
}

// NewContacts replaces what it has; what is absent stays.
type NewContacts struct {
	Email         *string   `json:"email,omitempty" minLength:"1" maxLength:"128" doc:"A new address is not verified."`
	EmailVerified bool      `json:"email_verified,omitempty" doc:"With email: that the address is known to be the customer's. Counts from operators only."`
	Recipients    *[]string `json:"recipients,omitempty" maxItems:"20" doc:"Who else gets notices by e-mail."`
	OptOuts       *[]string `json:"opt_outs,omitempty" maxItems:"32" doc:"Kinds of notices that are not wanted."`
}

type setContactsInput struct {
	AccountPath
	WriteHeaders
	Body NewContacts
}

func (s *server) setContacts(ctx context.Context, in *setContactsInput) (*WriteAnswer, error) {
	b := &in.Body
	action := office.SetContacts{Email: b.Email, EmailVerified: b.EmailVerified, Recipients: b.Recipients, OptOuts: b.OptOuts}
	return s.do(ctx, in.Account, action, &in.WriteHeaders, "")
}

// Webhooks are an account's webhook endpoints.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// Webhook is an endpoint that is told of notices (docs/webhooks.md).
type Webhook struct {
	Endpoint      string   `json:"endpoint"`
	URL           string   `json:"url"`
	Kinds         []string `json:"kinds,omitempty" doc:"Kinds of notices; absent: all."`
	SecretVersion int64    `json:"secret_version"`
	PreviousUntil timeText `json:"previous_until,omitempty" doc:"Until when the secret before signs as well."`
	Disabled      string   `json:"disabled,omitempty" doc:"Why nothing is sent to it; set it again to enable it."`
}

type webhooksAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Webhooks
}

func (s *server) webhooks(ctx context.Context, in *accountInput) (*webhooksAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &webhooksAnswer{in.status(v.ETag), v.ETag, Webhooks{list(v.Profile.Webhooks, webhookOf)}}, nil
}

func webhookOf(w drawdown.Webhook) Webhook {
	until := timeText("")
	if w.PreviousVersion != 0 {
		until = instant(w.PreviousUntil)
	}
	return Webhook{w.Endpoint, w.URL, w.Kinds, w.SecretVersion, until, w.Disabled}
}

// EndpointPath is a webhook endpoint of the account.
type EndpointPath struct {
	AccountPath
	Endpoint string `path:"endpoint" minLength:"1" maxLength:"128" doc:"The endpoint's name, which the customer chooses." example:"ops"`
}

type setWebhookInput struct {
	EndpointPath
	WriteHeaders
	Body struct {
		URL           string   `json:"url" minLength:"1" maxLength:"512" doc:"https; docs/webhooks.md says which URLs are taken." example:"https://hooks.example.com/drawdown"`
		Kinds         []string `json:"kinds,omitempty" maxItems:"32" doc:"Kinds of notices; absent: all."`
		SecretVersion int64    `json:"secret_version,omitempty" minimum:"1" maximum:"1000000" doc:"Another one than before makes a new secret; the one before stays valid for 24 hours. Absent: as it is."`
	}
}

func (s *server) setWebhook(ctx context.Context, in *setWebhookInput) (*WriteAnswer, error) {
	b := &in.Body
	return s.do(ctx, in.Account, office.SetWebhook{Endpoint: in.Endpoint, URL: b.URL, Kinds: b.Kinds, SecretVersion: b.SecretVersion}, &in.WriteHeaders, "")
}

type removeWebhookInput struct {
	EndpointPath
	WriteHeaders
}

func (s *server) removeWebhook(ctx context.Context, in *removeWebhookInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.RemoveWebhook{Endpoint: in.Endpoint}, &in.WriteHeaders, "")
}

type webhookSecretInput struct{ EndpointPath }

// WebhookSecret verifies webhooks.
type WebhookSecret struct {
	Secret string `json:"secret" doc:"As the libraries of Standard Webhooks take it."`
}

type webhookSecretAnswer struct{ Body WebhookSecret }

func (s *server) webhookSecret(ctx context.Context, in *webhookSecretInput) (*webhookSecretAnswer, error) {
	secret, err := s.office.WebhookSecret(ctx, principal(ctx), in.Account, in.Endpoint)
	if err != nil {
		return nil, err
	}
	return &webhookSecretAnswer{WebhookSecret{secret}}, nil
}

type noticesInput struct {
	AccountPath
	State   string   `query:"state" enum:"pending,delivered,refused,expired,dropped"`
	Kind    string   `query:"kind" minLength:"1" maxLength:"64" doc:"Of notice: low_balance, exhausted, …" example:"exhausted"`
	Channel string   `query:"channel" enum:"email,webhook"`
	Since   timeText `query:"since" doc:"Changed at or after it."`
	Limit   int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The newest so many."`
}

// Deliveries are notices on their way.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries" doc:"The oldest first."`
}

// Delivery is one notice and one target.
type Delivery struct {
	Delivery  string     `json:"delivery"`
	State     string     `json:"state" enum:"pending,delivered,refused,expired,dropped"`
	Notice    string     `json:"notice" doc:"The notice's id."`
	Kind      string     `json:"kind"`
	At        timeText   `json:"at" doc:"When it happened."`
	Data      noticeData `json:"data" doc:"What the notice says: docs/contract.md, sections 8 to 10."`
	Channel   string     `json:"channel" enum:"email,webhook"`
	Target    string     `json:"target" doc:"An address, or the name of an endpoint."`
	Tries     int        `json:"tries"`
	CreatedAt timeText   `json:"created_at"`
	ChangedAt timeText   `json:"changed_at"`
	NextAt    timeText   `json:"next_at,omitempty" doc:"When it is tried next."`
	Detail    string     `json:"detail,omitempty" doc:"What came of the last try."`
}

// noticeData is a JSON object that others wrote.
type noticeData map[string]json.RawMessage

type noticesAnswer struct{ Body Deliveries }

func (s *server) notices(ctx context.Context, in *noticesInput) (*noticesAnswer, error) {
	since, err := parseTime(ctx, "query.since", in.Since)
	if err != nil {
		return nil, err
	}
	records, err := s.office.Deliveries(ctx, principal(ctx), in.Account, notify.Filter{
		Account: in.Account, State: notify.State(in.State), Kind: notify.Kind(in.Kind), Channel: notify.Channel(in.Channel), Since: since, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	body := Deliveries{make([]Delivery, len(records))}
	for i := range records {
		if body.Deliveries[i], err = deliveryOf(&records[i]); err != nil {
			return nil, err
		}
	}
	return &noticesAnswer{body}, nil
}

func deliveryOf(r *notify.DeliveryRecord) (Delivery, error) {
	d := Delivery{
		Delivery: r.ID, State: string(r.State), Notice: r.Notice.ID, Kind: string(r.Notice.Kind), At: moment(r.Notice.At), Data: noticeData{},
		Channel: string(r.Channel), Target: r.Target, Tries: r.Tries, CreatedAt: moment(r.CreatedAt), ChangedAt: moment(r.ChangedAt),
		NextAt: moment(r.NextAt), Detail: r.Detail,
	}
	if len(r.Notice.Data) == 0 {
		return d, nil
	}
	return d, json.Unmarshal(r.Notice.Data, &d.Data)
}
