package app

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAStartThatFailsSaysWhy: each part that can't be put together says why, and closes what was opened for it.
func TestAStartThatFailsSaysWhy(t *testing.T) {
	config := Default()
	config.SigningKeys = "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	config.Purchasing.Gateway = SandboxGateway
	config.Email.Addr, config.Email.From, config.Email.TLS = "localhost:25", "billing@seller.example", "none"
	config.Email.SellerName, config.Email.BillingURL = "Seller", "https://seller.example/{account}"
	taken := func(name string) prometheus.Registerer { // a registry in which the metric's name is taken
		registry := prometheus.NewRegistry()
		registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "taken"}))
		return registry
	}
	for name, start := range map[string]func() error{
		"purchaser": func() error {
			_, _, err := config.NewPurchaser(taken("drawdown_purchases_open"), slog.New(slog.DiscardHandler))
			return err
		},
		"follower": func() error {
			_, _, err := config.NewPurchaser(taken("drawdown_feed_lag_entries"), slog.New(slog.DiscardHandler))
			return err
		},
		"notifier": func() error {
			_, _, err := config.NewNotifier(taken("drawdown_notifier_notices_total"), slog.New(slog.DiscardHandler))
			return err
		},
	} {
		if err := start(); err == nil {
			t.Errorf("%s: started", name)
		}
	}
	part, closeAll, err := config.NewNotifier(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil || part.Ready() == nil {
		t.Fatalf("%v, ready %v before it runs", err, part)
	}
	closeAll()
}
