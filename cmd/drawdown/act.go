package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawdown"
	"drawdown/api/office"
	"drawdown/consumer"
	"drawdown/internal/app"
)

// creditsText is credits as an operator types them.
type creditsText struct{ drawdown.Credits }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *creditsText) UnmarshalText(text []byte) error {
	parsed, ok := drawdown.ParseCredits(text)
	if !ok {
		return fmt.Errorf("%q is no amount of credits such as 100 or 0.5: at most 10^8, with at most nine decimals", text)
	}
	c.Credits = parsed
	return nil
}

// actionFlags are what everything has that is done to an account through the office: it is checked first, and audited.
type actionFlags struct {
	Account string        `arg:"" help:"The account's id."`
	Key     string        `help:"The same key does the same thing once, so that a command can be repeated." placeholder:"KEY"`
	Wait    time.Duration `default:"5s" help:"How long to wait until a worker has applied it; 0s: not at all."`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// withOffice opens the office for as long as an answer and the wait may take.
func (f *actionFlags) withOffice(ctx context.Context, line *commands, use func(context.Context, *desk) error) error {
	return line.withOfficeFor(ctx, answerWithin+max(f.Wait, 0), use)
}

// rejectedError is an operation that was appended and rejected.
type rejectedError struct {
	reason drawdown.Reason
	next   string // what to do
}

func (e *rejectedError) Error() string {
	return fmt.Sprintf("%s: the operation was rejected and has had no effect. %s", e.reason, e.next)
}

// act does something to an account, and waits for what became of it.
func (f *actionFlags) act(ctx context.Context, d *desk, action office.Action) (*office.Written, error) {
	written, err := d.Do(ctx, d.self, f.Account, action, office.Write{Key: f.Key})
	if err != nil || f.Wait <= 0 {
		return written, err
	}
	waiting, cancel := context.WithTimeout(ctx, f.Wait)
	defer cancel()
	reason, err := d.outcome(waiting, written.Position)
	switch {
	case err != nil:
		return written, err
	case reason != "":
		return written, &rejectedError{reason, f.next(reason, written.Position)}
	}
	written.State = office.Applied
	return written, nil
}

// outcome waits until the store stands behind a record, and returns why it was rejected; "" where it was not. A worker
// publishes what a batch rejects before it commits the batch, so what is not among the rejected records then was applied.
func (d *desk) outcome(ctx context.Context, at office.Position) (drawdown.Reason, error) {
	client, store, err := d.config.OpenRedis()
	if err != nil {
		return "", err
	}
	defer client.Close()
	if err := app.WaitApplied(ctx, store, app.Position{Partition: at.Partition, Offset: int64(at.Offset)}); err != nil {
		return "", err
	}
	cluster, err := d.config.Cluster()
	if err != nil {
		return "", err
	}
	defer cluster.Close()
	rejects, err := consumer.NewRejects(d.config.Worker, cluster.Transport, cluster.Addr, d.config.Logger())
	if err != nil {
		return "", err
	}
	rejected, err := rejects.Show(ctx, at.Partition, at.Offset)
	switch {
	case errors.Is(err, consumer.ErrNotRejected):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("the record stands at partition %d, offset %d; look whether it was rejected: %w", at.Partition, at.Offset, err)
	default:
		return rejected.Reason, nil
	}
}

// next is what an operator may do about a rejection (contract, section 10).
func (f *actionFlags) next(reason drawdown.Reason, at office.Position) string {
	switch reason {
	case drawdown.InsufficientCredits:
		return fmt.Sprintf("'drawdown account holds %s' shows what is available and what is held: hold less, release a hold, give credits, or let it wait (--queue).", f.Account)
	case drawdown.HoldExists:
		return fmt.Sprintf("A hold has that id, or that connection and job: 'drawdown account holds %s' lists them.", f.Account)
	case drawdown.TooManyHolds:
		return fmt.Sprintf("The account has as many as there can be: 'drawdown account release %s HOLD' ends one.", f.Account)
	case drawdown.ConnectionStopped:
		return fmt.Sprintf("A sync of the connection cost many times the usual: 'drawdown account acknowledge %s CONNECTION' lets it start again.", f.Account)
	case drawdown.UnknownHold:
		return fmt.Sprintf("It may have been released or have expired: 'drawdown account holds %s' lists those there are.", f.Account)
	case drawdown.UnknownConnection:
		return fmt.Sprintf("'drawdown account connections %s' lists those that are known.", f.Account)
	default:
		return fmt.Sprintf("'drawdown rejects show %d:%d' shows it.", at.Partition, at.Offset)
	}
}

// done says what became of an operation; more are further members of the JSON object.
func (f *actionFlags) done(written *office.Written, sentence string, more map[string]any) error {
	if f.JSON {
		object := map[string]any{
			"operation": written.Operation, "partition": written.Position.Partition, "offset": written.Position.Offset, "state": written.State,
		}
		for name, value := range more {
			object[name] = value
		}
		return printObjects(object)
	}
	if written.State != office.Applied {
		sentence = "appended to the log; whether it is applied or rejected was not waited for"
	}
	fmt.Printf("%s (partition %d, offset %d)\n", sentence, written.Position.Partition, written.Position.Offset)
	return nil
}

// run does one thing and says so.
func (f *actionFlags) run(ctx context.Context, line *commands, action office.Action, sentence string) error {
	return f.withOffice(ctx, line, func(ctx context.Context, d *desk) error {
		written, err := f.act(ctx, d, action)
		if err != nil {
			return err
		}
		return f.done(written, sentence, nil)
	})
}
