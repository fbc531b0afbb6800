package office

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"drawdown"
	"drawdown/api/access"
)

// An idempotency key is kept at two places. The id of the operation follows from it, and the engine drops a repetition of an
// id for 35 days (contract, section 4): that alone keeps a key from having two effects. And a memory keeps for a day which
// request the key was used for and what was answered, so that the same request gets the same answer, and another one is
// refused instead of being dropped in silence.

// openFor is how long a request may be under way before its repetition takes over: longer than any request takes. Should
// both live, the engine drops one of them.
const openFor = time.Minute

// rememberFor bounds how long an answer may take to be remembered, after the request has ended.
const rememberFor = 2 * time.Second

// sourceOf is the source of a principal's operations. Its first 256 bytes must tell it from others: a long one is hashed.
func sourceOf(p *access.Principal) string {
	source := "drawdown/api/" + p.ID
	if len(source) > drawdown.MaxSourceLen {
		return "drawdown/api/" + digestOf(p.ID)
	}
	return source
}

// operationID is the id that a key gives, a new one without a key. Whoever reads the log learns nothing of the key.
func operationID(p *access.Principal, key string) string {
	if key == "" {
		return "op_" + uuid.NewString()
	}
	return "op_" + digestOf(p.ID, key)[:32]
}

// digestOf is a hash of texts, different for different lists of texts.
func digestOf(texts ...string) string {
	var all []byte
	for _, text := range texts {
		all = fmt.Appendf(all, "%d:%s,", len(text), text)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:])
}

// claimed is a key that a request holds, and the answer that an earlier one got.
type claimed struct {
	key       string // in the memory; "" where the request has none
	operation string
	digest    string
	answer    json.RawMessage // nil where there is none yet
}

// entry is what the memory has under a key. Request is a digest of the request that the key belongs to.
type entry struct {
	Request string    `json:"request"`
	Since   time.Time `json:"since,omitzero"` // a request is under way since then; zero where none is
	// Answer is what the request was answered, or what a repetition must know instead.
	Answer json.RawMessage `json:"answer,omitempty"`
}

// claim takes a key for a request. It refuses one that was used for another request, or that is in use.
func (o *Office) claim(ctx context.Context, p *access.Principal, key, what, account string, data any) (*claimed, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	c := &claimed{operation: operationID(p, key)}
	if key == "" {
		return c, nil
	}
	text, err := json.Marshal(data) // maps come out in order of their keys
	if err != nil {
		return nil, fmt.Errorf("describe the request: %w", err)
	}
	c.key, c.digest = c.operation, digestOf(what, account, string(text))
	before, err := o.deps.Memory.Claim(ctx, c.key, encodeEntry(entry{Request: c.digest, Since: o.deps.Now()}))
	if err != nil {
		return nil, unavailable(ctx, "idempotency keys", err)
	}
	if before == nil {
		return c, nil
	}
	return c, o.takeOver(ctx, c, before)
}

// takeOver looks at what a key was used for before.
func (o *Office) takeOver(ctx context.Context, c *claimed, before []byte) error {
	var e entry
	if err := json.Unmarshal(before, &e); err != nil {
		return fmt.Errorf("read what an idempotency key was used for: %w", err)
	}
	switch {
	case e.Request != c.digest:
		return &Error{
			Kind: Conflict, Reason: "idempotency_key_reused",
			Detail: "This idempotency key was used for another request. A key belongs to one request and its repetitions; take a new one.",
		}
	case o.deps.Now().Sub(e.Since) < openFor:
		return &Error{
			Kind: Conflict, Reason: "in_progress",
			Detail: "A request with this idempotency key is under way. Repeat it in a moment to get its answer.",
		}
	case e.Answer != nil:
		c.answer = e.Answer
		return nil
	default:
		err := o.deps.Memory.Put(ctx, c.key, encodeEntry(entry{Request: c.digest, Since: o.deps.Now()}))
		if err != nil {
			return unavailable(ctx, "idempotency keys", err)
		}
		return nil
	}
}

// answered reads the answer that the key has already, and reports whether it has one.
func (c *claimed) answered(into any) bool {
	return c.answer != nil && json.Unmarshal(c.answer, into) == nil
}

// remember puts an answer down under the key. That it can't be is no failure of the request: a repetition then finds the
// key in use for a while, and after that is dropped by the engine.
func (o *Office) remember(ctx context.Context, c *claimed, answer any) {
	text, err := json.Marshal(answer)
	if err == nil {
		o.put(ctx, c, entry{Request: c.digest, Answer: text})
	}
}

// begun puts down, under the key of a request that is under way, what its repetition must know should it end without an
// answer.
func (o *Office) begun(ctx context.Context, c *claimed, known any) error {
	if c.key == "" {
		return nil
	}
	text, err := json.Marshal(known)
	if err != nil {
		return fmt.Errorf("describe a request that is under way: %w", err)
	}
	if err := o.deps.Memory.Put(ctx, c.key, encodeEntry(entry{Request: c.digest, Since: o.deps.Now(), Answer: text})); err != nil {
		return unavailable(ctx, "idempotency keys", err)
	}
	return nil
}

// giveBack lets a repetition try again. The key still belongs to the request: it may stand in the log.
func (o *Office) giveBack(ctx context.Context, c *claimed) {
	o.put(ctx, c, entry{Request: c.digest})
}

func (o *Office) put(ctx context.Context, c *claimed, e entry) {
	if c.key == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rememberFor)
	defer cancel()
	_ = o.deps.Memory.Put(ctx, c.key, encodeEntry(e)) // see remember
}

func encodeEntry(e entry) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic("office: encode an idempotency entry: " + err.Error()) // texts, a time, and JSON that was just written
	}
	return text
}
