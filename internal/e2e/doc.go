// Package e2e runs whole installations of Drawdown on real servers: its own binary as worker, sink, purchaser and notifier,
// Kafka, Redis and the ClickHouse engine, with a Stripe of the tests' own and a mail server.
//
// It owns the promises that only all parts together can keep: usage that a real connector reports arrives as credits,
// balances and rows; credits that run out are bought once, paid once and granted once, and customers are told; nothing is
// lost or counted twice however often a process or a server is killed; what is wrong is said clearly, loses nothing and
// shows no secret. It does not own the rules themselves: what a log means is asked of the engine, run
// over the same log as it stands in Kafka.
//
// Everything here is tests, built with the tag integration.
//
//	main_test.go          the binary and the broker           installation_test.go  one installation and its settings
//	process_test.go       workers, sinks and commands         log_test.go           writing and reading topics
//	replay_test.go        what the log means                  outputs_test.go       what was published
//	balances_test.go      what Redis holds                    rows_test.go          what ClickHouse holds
//	mainjob_test.go       a connector's sync, end to end      foreign_test.go       a producer that is not ours
//	kill_test.go          SIGKILL under load                  random_test.go        random logs, killed workers
//	reject_test.go        bad input                           away_test.go          servers that are away or full
//	refuse_test.go        what a worker refuses to work on    command_test.go       the command line on bad input
//
// And where credits are sold:
//
//	shop_test.go          an installation that sells       ledger_test.go        what was published, and appended
//	mail_test.go          a mail server and its letters    receiver_test.go      a customer's webhook
//	certificate_test.go   the mail server's certificate    secrets_test.go       looking for secrets in all that is said
//	purchases_test.go     buying, and a declined card      orders_test.go        orders by hand, refunds, disputes
//	subscriptions_test.go plans that the gateway bills     charged_test.go       SIGKILL between charge and settlement
//	forged_test.go        webhooks of others               disclosed_test.go     refused secrets
//	notices_test.go       each notice, SIGKILL             life_test.go          accounts of which all is told
//
// And what customers see, in a real browser (-screenshots DIR keeps pictures of it; docs/billing-page.md shows them):
//
//	pages_storefront_test.go  an installation with the page    pages_history_test.go  half a year of an account, as a log
//	pages_tab_test.go         a browser, and what it forbids   pages_journeys_test.go  buying, enrolling, a declined card
//	pages_access_test.go      signing in, others, no scripts   pages_figures_test.go   page = API = ClickHouse = replay
//
// And where programs ask the API:
//
//	schedulers_test.go    200 schedulers and the last credits
package e2e
