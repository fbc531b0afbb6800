package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"drawdown/api/access"
)

type keysIssueCommand struct {
	Name      string        `required:"" help:"What people call it, such as scheduler."`
	Role      string        `required:"" enum:"customer,operator,worker" help:"customer (one account), worker (reports usage, asks the gate) or operator (everything)."`
	Account   string        `help:"The only account that it sees; all without." placeholder:"ID"`
	Scopes    []string      `help:"What it may do, with commas; all that its role may without." placeholder:"SCOPE,…"`
	ExpiresIn time.Duration `help:"It ends by itself after this time; never without." placeholder:"DURATION"`
	JSON      bool          `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (c *keysIssueCommand) Run(ctx context.Context, line *commands) error {
	wanted := access.NewKey{Name: c.Name, Role: access.Role(c.Role), Account: c.Account}
	for _, scope := range c.Scopes {
		wanted.Scopes = append(wanted.Scopes, access.Scope(scope))
	}
	if c.ExpiresIn != 0 {
		wanted.ExpiresAt = time.Now().Add(c.ExpiresIn)
	}
	return line.withKeys(ctx, func(ctx context.Context, d *desk) error {
		key, secret, err := d.IssueKey(ctx, d.self, wanted)
		if err != nil {
			return err
		}
		return printSecret(&key, secret, c.JSON)
	})
}

// printSecret prints a secret alone, so that it can be piped into where it is kept.
func printSecret(key *access.Key, secret string, asJSON bool) error {
	if asJSON {
		return printObjects(map[string]any{"key": key.ID, "name": key.Name, "secret": secret})
	}
	fmt.Println(secret)
	fmt.Fprintf(os.Stderr, "the secret of %s (%s); it is shown this once\n", key.ID, key.Name)
	return nil
}

type keysListCommand struct {
	JSON bool `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *keysListCommand) Run(ctx context.Context, line *commands) error {
	return line.withKeys(ctx, func(ctx context.Context, d *desk) error {
		keys, err := d.Keys(ctx, d.self)
		if err != nil {
			return err
		}
		now := time.Now()
		if c.JSON {
			for i := range keys {
				if err := printObjects(keyJSON(&keys[i], now)); err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("KEY\tNAME\tROLE\tACCOUNT\tSCOPES\tSTATE\tLAST USED\tEXPIRES", func(table io.Writer) {
			for i := range keys {
				k := &keys[i]
				scopes := make([]string, len(k.Scopes))
				for i, scope := range k.Scopes {
					scopes[i] = string(scope)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Role, listed(nonEmpty(k.Account)), orAll(scopes),
					k.State(now), shown(k.LastUsedAt), shown(k.ExpiresAt))
			}
		})
	})
}

func orAll(scopes []string) string {
	if len(scopes) == 0 {
		return "all"
	}
	return strings.Join(scopes, ",")
}

func keyJSON(k *access.Key, now time.Time) map[string]any {
	return map[string]any{
		"key": k.ID, "name": k.Name, "role": k.Role, "account": optional(k.Account), "scopes": k.Scopes, "state": k.State(now),
		"created_at": k.CreatedAt, "created_by": k.CreatedBy, "expires_at": instant(k.ExpiresAt), "last_used_at": instant(k.LastUsedAt),
	}
}

// instant is a time in JSON, null for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type keysRotateCommand struct {
	Key     string        `arg:"" help:"The key's id, dk_…"`
	Overlap time.Duration `default:"24h" help:"For how long the secret before stays valid; 0s if it leaked."`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (c *keysRotateCommand) Run(ctx context.Context, line *commands) error {
	return line.withKeys(ctx, func(ctx context.Context, d *desk) error {
		key, secret, err := d.RotateKey(ctx, d.self, c.Key, c.Overlap)
		if err != nil {
			return err
		}
		return printSecret(&key, secret, c.JSON)
	})
}

type keysRevokeCommand struct {
	Key string `arg:"" help:"The key's id, dk_…"`
}

// Run implements the command.
func (c *keysRevokeCommand) Run(ctx context.Context, line *commands) error {
	return line.withKeys(ctx, func(ctx context.Context, d *desk) error {
		key, err := d.RevokeKey(ctx, d.self, c.Key)
		if err != nil {
			return err
		}
		fmt.Printf("%s (%s) is revoked\n", key.ID, key.Name)
		return nil
	})
}

type auditCommand struct {
	List auditListCommand `cmd:"" help:"List who asked for what, the newest first."`
}

type auditListCommand struct {
	Account string        `help:"Only what concerns this account: quicker, too." placeholder:"ID"`
	Actor   string        `help:"Only what this principal asked for, such as key:dk_…" placeholder:"PRINCIPAL"`
	Action  string        `help:"Only this action, such as credits.granted." placeholder:"ACTION"`
	Since   time.Duration `default:"168h" help:"Only those of the last while."`
	Limit   int           `default:"100" help:"At most so many, up to 1000."`
	JSON    bool          `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *auditListCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		entries, err := d.Audit(ctx, d.self, access.AuditFilter{
			Account: c.Account, Actor: c.Actor, Action: c.Action, Since: time.Now().Add(-c.Since), Limit: c.Limit,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			for i := range entries {
				if err := printObjects(&entries[i]); err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("TIME\tACTOR\tACCOUNT\tACTION\tOPERATION\tFROM\tDETAIL", func(table io.Writer) {
			for i := range entries {
				e := &entries[i]
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", shown(e.Time), e.Actor, listed(nonEmpty(e.Account)), e.Action,
					listed(nonEmpty(e.Operation)), listed(nonEmpty(e.RemoteAddr)), e.Detail)
			}
		})
	})
}
