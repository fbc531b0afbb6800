package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"drawdown/internal/app"
)

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Report every fault of the configuration at once."`
	Show  configShowCommand  `cmd:"" help:"Show every key, its environment variable and its value."`
}

type configCheckCommand struct{}

// Run implements the command.
func (*configCheckCommand) Run(line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	if err := config.CheckSecrets(); err != nil {
		return fmt.Errorf("the configuration is right for all but the purchaser:\n%w", err)
	}
	fmt.Println("the configuration is right")
	return nil
}

type configShowCommand struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Run implements the command. It also shows a configuration that has faults.
func (c *configShowCommand) Run(line *commands) error {
	config, err := app.Load(line.Config, os.Environ())
	if err != nil {
		fmt.Fprintf(os.Stderr, "the configuration has faults:\n%v\n\n", err)
	}
	if c.JSON {
		return printJSON(config.Values())
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tVALUE\tENVIRONMENT")
	for _, key := range app.Keys() {
		value := fmt.Sprint(config.Value(key))
		if list, isList := config.Value(key).([]string); isList {
			value = strings.Join(list, ",")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", key.Name, value, key.Env)
	}
	return table.Flush()
}

// printJSON prints one value as indented JSON.
func printJSON(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
