package api

import (
	"net/http"

	"drawdown"
)

// reasonsDocument is where each reason is explained to people; it has an anchor for each.
const reasonsDocument = "/docs/api.md"

// explanation is what a reason means to a client.
type explanation struct {
	status int
	title  string
	advice string // what to do; the detail of a problem that has no other
}

// explain returns what is known of a reason. One that the table does not have comes from the office, which says its status
// and details itself.
func explain(reason string) explanation {
	if e, known := reasons[reason]; known {
		return e
	}
	return explanation{http.StatusUnprocessableEntity, "The request was refused", "The detail says why."}
}

// reasonOf names the reason of a status that carries none.
func reasonOf(status int) string {
	if reason, known := statusReasons[status]; known {
		return reason
	}
	if status < http.StatusInternalServerError {
		return "bad_request"
	}
	return "internal"
}

var statusReasons = map[int]string{
	http.StatusBadRequest: "bad_request", http.StatusUnauthorized: "unauthenticated", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusRequestTimeout: "body_timeout",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "unsupported_media_type",
	http.StatusTooManyRequests: "rate_limited", http.StatusServiceUnavailable: "unavailable",
}

// reasons is every reason that an answer may give: the API's own, then those of the contract (sections 3, 9 and 10) that an
// operation of the API can be rejected for.
var reasons = map[string]explanation{
	"bad_request":            {http.StatusBadRequest, "The request does not fit the API's description", "Compare the request with /v1/openapi.json; errors says what does not fit."},
	"unauthenticated":        {http.StatusUnauthorized, "No valid credential", "Send `Authorization: Bearer` with an API key or a token that is valid and has not expired."},
	"forbidden":              {http.StatusForbidden, "The credential may not do that", "Use a credential with the scope that the operation asks for."},
	"not_found":              {http.StatusNotFound, "There is nothing there", "Check the path against /v1/openapi.json."},
	"no_such_account":        {http.StatusNotFound, "There is no such account", "Check the account's id, and that the credential is one of that account."},
	"no_such_sync":           {http.StatusNotFound, "There is no such sync", "No charge of it is known. Reports are some seconds behind."},
	"no_such_key":            {http.StatusNotFound, "There is no such key", "GET /v1/keys lists the keys."},
	"method_not_allowed":     {http.StatusMethodNotAllowed, "The method is not allowed there", "The Allow header says which methods are."},
	"body_timeout":           {http.StatusRequestTimeout, "The body did not arrive in time", "Send the body without pauses."},
	"too_large":              {http.StatusRequestEntityTooLarge, "The body is too large", "Send less at a time."},
	"too_many_events":        {http.StatusRequestEntityTooLarge, "There are too many events in the batch", "Send fewer events at a time."},
	"unsupported_media_type": {http.StatusUnsupportedMediaType, "The content type is not supported there", "Send the content type that the API's description names."},
	"rate_limited":           {http.StatusTooManyRequests, "Too many requests", "Wait as long as Retry-After says. RateLimit says in every answer what is left."},
	"idempotency_key_reused": {http.StatusConflict, "The idempotency key was used for another request", "Use a new key for each thing that is to happen once."},
	"already_done":           {http.StatusConflict, "The request was carried out before", "Its secret was shown then. If it is lost, rotate the key that the member key names, under another Idempotency-Key."},
	"in_progress":            {http.StatusConflict, "A request with the same idempotency key is under way", "Wait a second and repeat the request as it was."},
	"key_ended":              {http.StatusConflict, "The key is revoked or has expired", "Issue another one."},
	"key_changed":            {http.StatusConflict, "Somebody else changed the key at the same moment", "Look at it again."},
	"too_many_keys":          {http.StatusConflict, "There are as many keys as there can be", "Ask whoever runs the service."},
	"webhooks_not_offered":   {http.StatusConflict, "This installation sends no webhooks", "Ask whoever runs it."},
	"no_gateway":             {http.StatusConflict, "This installation has no payment gateway", "Ask whoever runs it."},
	"not_offered":            {http.StatusConflict, "The payment gateway does not offer that", "The detail says what it lacks."},
	"not_for_sale":           {http.StatusUnprocessableEntity, "The plan cannot be subscribed to", "GET /v1/plans lists the plans."},
	"orders_not_offered":     {http.StatusUnprocessableEntity, "The plan does not sell credits by order", "Change the plan, or buy by auto-purchase."},
	"bad_cursor":             {http.StatusUnprocessableEntity, "The cursor is none of ours", "Begin without a cursor, and pass on next_cursor as it is."},
	"bad_quantity":           {http.StatusUnprocessableEntity, "The quantity cannot be ordered", "See the plan's purchase terms: unit, min and max."},
	"timeout":                {http.StatusServiceUnavailable, "The answer took too long", "Repeat the request; a write with the same Idempotency-Key."},
	"canceled":               {http.StatusServiceUnavailable, "The request was given up", "Repeat the request; a write with the same Idempotency-Key."},
	"unavailable":            {http.StatusServiceUnavailable, "A server is away", "Repeat the request later; a write with the same Idempotency-Key."},
	"internal":               {http.StatusInternalServerError, "Something broke on our side", "Repeat the request; if it fails again, tell the operator the instance."},

	string(drawdown.Malformed):           {http.StatusUnprocessableEntity, "A value cannot be", "errors says which value; docs/contract.md, sections 1 to 3, has the rules."},
	string(drawdown.Late):                {http.StatusUnprocessableEntity, "The record is too old", "Usage is taken for 34 days with a sequence number, for 72 hours without."},
	string(drawdown.Future):              {http.StatusUnprocessableEntity, "The record's time lies ahead", "Set the clock: times may lie at most an hour ahead."},
	string(drawdown.UnsignedOperation):   {http.StatusServiceUnavailable, "The workers do not know the service's signing key", "Tell whoever runs the service."},
	string(drawdown.UnknownAccount):      {http.StatusNotFound, "There is no such account", "Open the account first."},
	string(drawdown.AccountExists):       {http.StatusConflict, "The account exists", "Use another id, or the account that is there."},
	string(drawdown.UnknownPlan):         {http.StatusUnprocessableEntity, "There is no such plan", "GET /v1/plans lists the plans."},
	string(drawdown.SamePlan):            {http.StatusConflict, "The account has that plan", "Nothing is to be done."},
	string(drawdown.EmailNotVerified):    {http.StatusConflict, "The e-mail address is not verified", "Verify the e-mail address, then enrol again."},
	string(drawdown.NoPaymentMethod):     {http.StatusConflict, "No payment method is saved", "Save a card, then enrol again."},
	string(drawdown.NoEligibleConnector): {http.StatusConflict, "No connection has an alpha or beta connector", "Set up a connection with an alpha or beta connector, then enrol again."},
	string(drawdown.UnknownConnection):   {http.StatusNotFound, "There is no such connection", "Check the connection's name, or set it first."},
	string(drawdown.UnknownConnector):    {http.StatusUnprocessableEntity, "A connector is not in the catalogue", "Check the connectors' names."},
	string(drawdown.NoRate):              {http.StatusUnprocessableEntity, "No rate is in force", "Tell the operator: the rate card lacks the connector's kind."},
	string(drawdown.OutOfRange):          {http.StatusUnprocessableEntity, "The account cannot hold that much", "Use a smaller amount."},
	string(drawdown.BadAmount):           {http.StatusUnprocessableEntity, "The amount or its expiry cannot be", "The amount must be above 0, and expires_at must lie ahead."},
	string(drawdown.GrantExists):         {http.StatusConflict, "A grant of that id has credits left", "Use another Idempotency-Key."},
	string(drawdown.UnknownGrant):        {http.StatusNotFound, "There is no such grant with anything left", "GET …/balance lists the grants."},
	string(drawdown.UnknownPurchase):     {http.StatusNotFound, "There is no such purchase", "GET …/purchases lists the purchases."},
	string(drawdown.CardRequired):        {http.StatusUnprocessableEntity, "The payment method is no card", "Save a card."},
	string(drawdown.TooManyEndpoints):    {http.StatusConflict, "The account has 16 webhook endpoints", "Remove one first."},
	string(drawdown.UnknownEndpoint):     {http.StatusNotFound, "There is no such webhook endpoint", "GET …/webhooks lists them."},
	string(drawdown.BadHold):             {http.StatusUnprocessableEntity, "The hold cannot be", "The amount must be above 0, and expires_at must lie ahead, by at most 35 days."},
	string(drawdown.HoldExists):          {http.StatusConflict, "There is such a hold", "A hold has that id, or is for that connection and job: release it, or use it."},
	string(drawdown.TooManyHolds):        {http.StatusConflict, "The account has 256 holds", "Release those that are not needed."},
	string(drawdown.ConnectionStopped):   {http.StatusConflict, "The connection is stopped", "A sync of it ran away: acknowledge it first."},
	string(drawdown.InsufficientCredits): {http.StatusConflict, "There are not enough credits", "Buy credits, release other holds, or place the hold with wait."},
	string(drawdown.UnknownHold):         {http.StatusNotFound, "There is no such hold", "It was never placed, or was released, or has expired."},
	string(drawdown.UnknownType):         {http.StatusUnprocessableEntity, "Events of that type are not taken", "Only sync.usage is; everything else has an operation of its own."},
}
