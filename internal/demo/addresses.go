package demo

import "fmt"

// addresses are what the visitor can open and ask while the demo runs.
func (d *demo) addresses() string {
	c := d.gateCustomer()
	return fmt.Sprintf(`  Billing page, signed in for all accounts, as often as it is opened:
    %s
  May a sync start? Its scheduler asks the gate:
    curl -H 'Authorization: Bearer %s' \
    '%s'
`, d.style.title.Render(d.pipeline.page), d.curl.key, d.curl.origin+gatePath(c.account, c.connections[0].name))
}

// gateCustomer is the customer of whom the gate is asked in the example.
func (d *demo) gateCustomer() *customer {
	for i := range d.story {
		if d.story[i].account == gateAccount {
			return &d.story[i]
		}
	}
	return &d.story[0]
}

// printAddresses prints them before the first sync: they are of use as long as everything runs.
func (d *demo) printAddresses() { _, _ = fmt.Fprintf(d.out, "\n%s\n", d.addresses()) }
