package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (*completionCommand) Help() string {
	return `  bash:  source <(drawdown completion bash)
  zsh:   source <(drawdown completion zsh)
  fish:  drawdown completion fish | source`
}

// completionScripts ask the program itself what a line can go on with, so they never change.
var completionScripts = map[string]string{
	"bash": `_drawdown() { COMPREPLY=($(drawdown complete -- "${COMP_WORDS[@]:1:COMP_CWORD}")); }
complete -o default -F _drawdown drawdown
`,
	"zsh": `_drawdown() { compadd -- $(drawdown complete -- "${(@)words[2,$CURRENT]}"); }
compdef _drawdown drawdown
`,
	"fish": `complete --command drawdown --no-files --arguments '(drawdown complete -- (commandline --tokenize --cut-at-cursor)[2..] (commandline --current-token))'
`,
}

// Run implements the command.
func (c *completionCommand) Run() error {
	fmt.Print(completionScripts[c.Shell])
	return nil
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"The words after the program's name; the last one is being typed."`
}

// Run implements the command.
func (c *completeCommand) Run(parser *kong.Kong) error {
	for _, candidate := range candidates(parser.Model.Node, c.Words) {
		fmt.Println(candidate)
	}
	return nil
}

// candidates are the commands and flags that the last of the words can become.
func candidates(node *kong.Node, words []string) []string {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	typed := ""
	if len(words) > 0 {
		typed, words = words[len(words)-1], words[:len(words)-1]
	}
	for _, word := range words {
		if child := childOf(node, word); child != nil {
			node = child
		}
	}
	var found []string
	add := func(candidate string) {
		if strings.HasPrefix(candidate, typed) && !slices.Contains(found, candidate) {
			found = append(found, candidate)
		}
	}
	if strings.HasPrefix(typed, "-") {
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				add("--" + flag.Name)
			}
		}
		return found
	}
	for _, child := range node.Children {
		if !child.Hidden {
			add(child.Name)
		}
	}
	if arg := len(node.Positional); arg > 0 && len(node.Children) == 0 {
		for _, positional := range node.Positional {
			for _, value := range positional.EnumSlice() {
				add(value)
			}
		}
	}
	return found
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}
