package main

import (
	"context"
	"fmt"
	"io"

	"drawdown/api/office"
)

type accountGateSettingsCommand struct {
	actionFlags
	Reserve       *creditsText `help:"How many of the last credits only critical connections may start on; 0 for none." placeholder:"CREDITS"`
	RunawayFactor *int64       `help:"A sync that costs more than so many times the usual stops its connection: 2 to 1000." placeholder:"N" xor:"breaker"`
	RunawayMin    *creditsText `help:"Up to so many credits no sync is a runaway." placeholder:"CREDITS"`
	NoBreaker     bool         `help:"Stop no connection, and let those start again that were stopped." xor:"breaker"`
}

func (*accountGateSettingsCommand) Help() string {
	return `Without flags it shows what is set. What is not named stays as it is.

  drawdown account gate-settings acme
  drawdown account gate-settings acme --reserve 50
  drawdown account gate-settings acme --runaway-factor 10 --runaway-min 5
  drawdown account gate-settings acme --no-breaker`
}

// Run implements the command.
func (c *accountGateSettingsCommand) Run(ctx context.Context, line *commands) error {
	return c.withOffice(ctx, line, func(ctx context.Context, d *desk) error {
		overview, err := d.Overview(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		set := office.SetGate{Reserve: overview.Reserve, RunawayFactor: overview.RunawayFactor, RunawayMin: overview.RunawayMin}
		if !c.change(&set) {
			return c.show(&set)
		}
		written, err := c.act(ctx, d, set)
		if err != nil {
			return err
		}
		return c.done(written, settingsText(&set), gateMembers(&set))
	})
}

// change puts what was named into the settings, and reports whether anything was.
func (c *accountGateSettingsCommand) change(set *office.SetGate) bool {
	if c.Reserve != nil {
		set.Reserve = c.Reserve.Credits
	}
	if c.RunawayFactor != nil {
		set.RunawayFactor = *c.RunawayFactor
	}
	if c.RunawayMin != nil {
		set.RunawayMin = c.RunawayMin.Credits
	}
	if c.NoBreaker {
		set.RunawayFactor = 0
	}
	return c.Reserve != nil || c.RunawayFactor != nil || c.RunawayMin != nil || c.NoBreaker
}

func (c *accountGateSettingsCommand) show(set *office.SetGate) error {
	if c.JSON {
		return printObjects(gateMembers(set))
	}
	fmt.Println(settingsText(set))
	return nil
}

// gateMembers are the settings as the contract has them: without a factor where the breaker is off.
func gateMembers(set *office.SetGate) map[string]any {
	members := map[string]any{"reserve": set.Reserve.String(), "runaway_min": set.RunawayMin.String(), "runaway_factor": nil}
	if set.RunawayFactor != 0 {
		members["runaway_factor"] = set.RunawayFactor
	}
	return members
}

func settingsText(set *office.SetGate) string {
	breaker := "the breaker is off"
	if set.RunawayFactor != 0 {
		breaker = fmt.Sprintf("a sync above %d times the usual stops its connection, from %v credits on", set.RunawayFactor, set.RunawayMin)
	}
	return fmt.Sprintf("reserve for critical connections %v; %s", set.Reserve, breaker)
}

type accountPriorityCommand struct {
	actionFlags
	Connection string `arg:"" help:"The connection's name."`
	Priority   string `arg:"" enum:"critical,normal,low" help:"critical, normal or low."`
}

func (*accountPriorityCommand) Help() string {
	return `Critical connections may start on the reserve, and holds that wait are opened in order of priority.

  drawdown account priority acme shop critical`
}

// Run implements the command.
func (c *accountPriorityCommand) Run(ctx context.Context, line *commands) error {
	return c.run(ctx, line, office.Prioritize{Connection: c.Connection, Priority: c.Priority}, fmt.Sprintf("%s is %s", c.Connection, c.Priority))
}

type accountAcknowledgeCommand struct {
	actionFlags
	Connection string `arg:"" help:"The connection's name."`
}

func (*accountAcknowledgeCommand) Help() string {
	return `'drawdown account connections' lists which are stopped. Another runaway stops it again.

  drawdown account acknowledge acme shop`
}

// Run implements the command.
func (c *accountAcknowledgeCommand) Run(ctx context.Context, line *commands) error {
	return c.run(ctx, line, office.AcknowledgeRunaway{Connection: c.Connection}, fmt.Sprintf("syncs of %s may start again", c.Connection))
}

type accountConnectionsCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *accountConnectionsCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		overview, err := d.Overview(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		connections := overview.Connections
		if c.JSON {
			for i := range connections {
				n := &connections[i]
				err := printObjects(map[string]any{
					"connection": n.Connection, "source_connector": n.SourceConnector, "destination_connector": n.DestinationConnector, "removed": !n.Known,
					"free": n.Free, "used": n.Used.String(), "waived": n.Waived.String(), "priority": n.Priority.String(), "stopped": n.Stopped,
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("CONNECTION\tSOURCE\tDESTINATION\tPRIORITY\tSTATE\tUSED\tFREE", func(table io.Writer) {
			for i := range connections {
				n := &connections[i]
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Connection, n.SourceConnector, n.DestinationConnector, n.Priority,
					connectionState(n.Known, n.Stopped, n.Free), n.Used, n.Waived)
			}
		})
	})
}

func connectionState(known, stopped, free bool) string {
	switch {
	case stopped:
		return "stopped"
	case !known:
		return "removed"
	case free:
		return "free"
	default:
		return "billed"
	}
}
