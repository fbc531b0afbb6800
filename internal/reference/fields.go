package reference

import (
	"math/big"
	"slices"
)

// fields reads the members of one object. The first member that breaks its rule marks the record as bad; reading
// goes on, so that a decoder is a plain list of members.
type fields struct {
	members object
	bad     *bool
}

func (f fields) fail() { *f.bad = true }

// require marks the record as bad unless the condition holds.
func (f fields) require(holds bool) {
	if !holds {
		f.fail()
	}
}

// present tells whether the member is there; null means absent.
func (f fields) present(name string) bool { return f.members[name] != nil }

// text reads a string of 1 to max bytes.
func (f fields) text(name string, max int) string {
	text, ok := f.members[name].(string)
	f.require(ok && len(text) >= 1 && len(text) <= max)
	return text
}

func (f fields) optionalText(name string, max int) *string {
	if !f.present(name) {
		return nil
	}
	text := f.text(name, max)
	return &text
}

func (f fields) oneOf(name string, choices ...string) string {
	text, ok := f.members[name].(string)
	f.require(ok && slices.Contains(choices, text))
	return text
}

func (f fields) boolean(name string) bool {
	value, ok := f.members[name].(bool)
	f.require(ok)
	return value
}

// optionalBoolean reads true or false; where the member is absent it is false.
func (f fields) optionalBoolean(name string) bool {
	return f.present(name) && f.boolean(name)
}

// distinctTexts checks an optional list of strings of 1 to nameMax bytes, at most so many and none twice.
func (f fields) distinctTexts(name string, most int) {
	if !f.present(name) {
		return
	}
	list, isList := f.members[name].([]any)
	f.require(isList && len(list) <= most)
	for i, element := range list {
		text, isText := element.(string)
		f.require(isText && len(text) >= 1 && len(text) <= nameMax && !slices.Contains(list[:i], element))
	}
}

func (f fields) integer(name string, low, high int64) int64 {
	text, _ := f.members[name].(number)
	value, ok := parseInteger(text, low, high)
	f.require(ok)
	return value
}

func (f fields) optionalInteger(name string, low, high, absent int64) int64 {
	if !f.present(name) {
		return absent
	}
	return f.integer(name, low, high)
}

// integers reads an optional list of integers.
func (f fields) integers(name string, low, high int64) []int64 {
	if !f.present(name) {
		return nil
	}
	list, ok := f.members[name].([]any)
	f.require(ok)
	var values []int64
	for _, element := range list {
		text, _ := element.(number)
		value, ok := parseInteger(text, low, high)
		f.require(ok)
		values = append(values, value)
	}
	return values
}

// credits reads credits as nano-credits.
func (f fields) credits(name string) *big.Int {
	text, _ := f.members[name].(string)
	value, ok := parseCredits(text)
	if !ok {
		f.fail()
		return zero()
	}
	return value
}

// optionalCredits reads credits that are not negative; where the member is absent they are 0.
func (f fields) optionalCredits(name string) *big.Int {
	if !f.present(name) {
		return zero()
	}
	value := f.credits(name)
	f.require(value.Sign() >= 0)
	return value
}

// money reads money as hundredths.
func (f fields) money(name string) *big.Int {
	text, _ := f.members[name].(string)
	value, ok := parseMoney(text)
	if !ok {
		f.fail()
		return zero()
	}
	return value
}

func (f fields) optionalMoney(name string) *big.Int {
	if !f.present(name) {
		return nil
	}
	return f.money(name)
}

func (f fields) currency(name string) string {
	text, _ := f.members[name].(string)
	f.require(currencyForm.MatchString(text))
	return text
}

func (f fields) time(name string) Instant {
	text, _ := f.members[name].(string)
	at, ok := parseTime(text)
	f.require(ok)
	return at
}

func (f fields) optionalTime(name string) *Instant {
	if !f.present(name) {
		return nil
	}
	at := f.time(name)
	return &at
}

// child reads a member that is an object; where it is none the record is bad and the child empty.
func (f fields) child(name string) fields {
	return f.element(f.members[name])
}

// element reads a value that must be an object.
func (f fields) element(value any) fields {
	members, ok := value.(object)
	f.require(ok)
	return fields{members: members, bad: f.bad}
}
