package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"
)

type keysCommand struct {
	Issue  keysIssueCommand  `cmd:"" help:"Make an API key for a program; prints its secret, once."`
	List   keysListCommand   `cmd:"" help:"List API keys, without their secrets."`
	Rotate keysRotateCommand `cmd:"" help:"Give an API key a new secret; the one before stays valid for a while."`
	Revoke keysRevokeCommand `cmd:"" help:"End an API key, at once and for good."`
	New    keysNewCommand    `cmd:"" help:"Print a new key that signs operations."`
}

type keysNewCommand struct {
	ID string `help:"The key's id; default: today's date." placeholder:"ID"`
}

func (*keysNewCommand) Help() string {
	return `Append the line to the file that signing_keys_file names, in every worker and wherever operations are written. To
replace a key: add the new one everywhere as the last line; move it to the first line, which signs; remove the old one.`
}

// Run implements the command.
func (c *keysNewCommand) Run() error {
	id := c.ID
	if id == "" {
		id = time.Now().UTC().Format("2006-01-02")
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	fmt.Printf("%s:%s\n", id, base64.StdEncoding.EncodeToString(secret))
	return nil
}
