package sandbox

import (
	"slices"
	"strconv"
	"time"
)

// What the page has to say beside the reasons of refusals (see reasons). They stand in its address, so they are words and
// not sentences.
const (
	saidChoose   = "choose_card"
	saidQuantity = "quantity"
	saidChanged  = "total_changed"
	saidConfirm  = "confirm"
	saidNoAnswer = "no_answer"
)

// sentences are what the visitor reads of what is said.
var sentences = map[string]string{
	saidChoose:                 "Choose one of the test cards.",
	saidChanged:                "You changed the quantity, and the total with it. Nothing was paid yet: check the total, then pay.",
	saidNoAnswer:               "The bank did not answer. Nothing was paid: try again, or take another card.",
	reasons[Declined]:          "The bank declined the card. Nothing was paid: take another card.",
	reasons[InsufficientFunds]: "The bank declined the card: there is not enough money on it. Nothing was paid: take another card.",
	reasons[Expired]:           "The card has expired. Nothing was paid: take another card.",
	reasons[Authentication]:    "You did not confirm the payment to your bank. Nothing was paid: try again, or take another card.",
}

// check returns what is wrong with a form, "" where the visitor's bank can be asked.
func (g *Gateway) check(s *session, f *form) string {
	if !slices.ContainsFunc(g.cards(s.Card != nil), func(c card) bool { return c.Method == f.card }) {
		return saidChoose
	}
	if s.Order != nil {
		quantity, err := strconv.ParseInt(f.quantity, 10, 64)
		if err != nil || s.Order.check(quantity) != nil {
			return saidQuantity
		}
		if f.shown != f.quantity {
			return saidChanged // nobody pays a total that they have not seen
		}
	}
	if f.card == Authentication && s.Card == nil {
		switch f.confirmed {
		case "yes":
		case "no":
			return reasons[Authentication]
		default:
			return saidConfirm
		}
	}
	return ""
}

// bankDelay is how long the bank takes. Saving a card asks it nothing.
func (g *Gateway) bankDelay(s *session, method string) time.Duration {
	switch {
	case s.Card != nil:
		return 0
	case method == Slow || method == Timeout:
		return g.config.SlowDelay
	default:
		return g.config.Delay
	}
}

// card is a test card to choose.
type card struct{ Method, Label string }

// cards are the test cards, where one is saved or where one pays at once.
func (g *Gateway) cards(saving bool) []card {
	slow := g.config.SlowDelay.String()
	if saving {
		return []card{
			{OK, "A card that pays"},
			{Declined, "A card that is declined when it is charged"},
			{InsufficientFunds, "A card without enough money on it"},
			{Expired, "A card that has expired when it is charged"},
			{Authentication, "A card whose bank wants you to confirm each payment: charged without you, it is refused"},
			{Slow, "A card that pays, after " + slow},
			{Pending, "A card whose bank decides after " + slow + ", and pays"},
			{Timeout, "A card whose bank never answers"},
			{Flaky, "A card that pays, but the bank's first answer is lost"},
		}
	}
	return []card{
		{OK, "A card that pays"},
		{Declined, "A card that is declined"},
		{InsufficientFunds, "A card without enough money on it"},
		{Expired, "A card that has expired"},
		{Authentication, "A card whose bank asks you to confirm, and then pays"},
		{Slow, "A card that pays, after " + slow},
		{Timeout, "A card whose bank does not answer (gives up after " + slow + ")"},
	}
}
