package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/internal/app"
)

// desk is the office as an operator's command line asks it.
type desk struct {
	*office.Office
	config  *app.Config
	running *app.RunningAPI
	self    *access.Principal
}

// withOffice is withOfficeFor as long as an answer may take.
func (c *commands) withOffice(ctx context.Context, use func(context.Context, *desk) error) error {
	return c.withOfficeFor(ctx, answerWithin, use)
}

// noLimit is for what takes as long as it takes. Reports bound each of their queries by themselves.
const noLimit = 0

// withOfficeFor opens the office in this process, for a while. Audit entries name the user of the machine.
func (c *commands) withOfficeFor(ctx context.Context, limit time.Duration, use func(context.Context, *desk) error) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	running, closeAll, err := config.OpenAPI(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer closeAll()
	if limit != noLimit {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	err = use(ctx, &desk{running.Office, &config, running, &access.Principal{ID: self(), Role: access.Operator}})
	return explained(err)
}

// withKeys is withOffice with all API keys read.
func (c *commands) withKeys(ctx context.Context, use func(context.Context, *desk) error) error {
	return c.withOffice(ctx, func(ctx context.Context, d *desk) error {
		stop, err := d.running.Follow(ctx)
		if err != nil {
			return err
		}
		defer stop()
		return use(ctx, d)
	})
}

// self is whom audit entries of this command name.
func self() string {
	name := "unknown"
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	return "cli:" + name
}

// explained adds what only an operator may read: which server is away.
func explained(err error) error {
	var refusal *office.Error
	if cause := errors.Unwrap(err); errors.As(err, &refusal) && cause != nil {
		return fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}

// printTable prints rows below heads, in columns.
func printTable(heads string, rows func(io.Writer)) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, heads)
	rows(table)
	return table.Flush()
}

// printObjects prints one JSON object a line.
func printObjects(objects ...any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for _, object := range objects {
		if err := encoder.Encode(object); err != nil {
			return err
		}
	}
	return nil
}

// shown is an instant as people read it, "-" for none.
func shown(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

type accountGateCommand struct {
	Account    string  `arg:"" help:"The account's id."`
	Connection string  `arg:"" help:"The connection's name."`
	Job        *uint64 `help:"The job's number: it may start on its own hold." placeholder:"N"`
	JSON       bool    `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (c *accountGateCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		a, err := d.Gate(ctx, d.self, c.Account, c.Connection, c.Job)
		if err != nil {
			return err
		}
		if c.JSON {
			return printObjects(map[string]any{
				"allowed": a.Allowed, "reason": a.Reason, "status": a.Status.String(), "available": a.Available.String(),
				"held": a.Held.String(), "reserve": a.Reserve.String(), "priority": a.Priority.String(),
			})
		}
		verdict := "may not start"
		if a.Allowed {
			verdict = "may start"
		}
		fmt.Printf("%s: %s\navailable %v, held %v, reserve %v; priority %v, status %v\n",
			verdict, a.Reason, a.Available, a.Held, a.Reserve, a.Priority, a.Status)
		return nil
	})
}

type accountPageLinkCommand struct {
	Account string `arg:"" help:"The account's id."`
}

func (*accountPageLinkCommand) Help() string {
	return `Whoever opens the link is the account's customer, so give it to nobody else. It works once, within minutes. The API must have
the same session keys (api.access.session_keys_file), and api.public_url is what the link begins with.`
}

// Run implements the command.
func (c *accountPageLinkCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		if keys := d.config.API.Access; keys.SessionKeysFile == "" && keys.SessionKeys == "" {
			return errors.New("no session keys are configured, so no API could open the link: set api.access.session_keys_file, here and for the API")
		}
		link, expires, err := d.PageLink(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		fmt.Println(link)
		fmt.Fprintf(os.Stderr, "valid once, until %s\n", shown(expires))
		return nil
	})
}
