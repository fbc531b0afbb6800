package redisstore_test

import (
	"testing"

	"drawdown/balance/storetest"
)

func openMiniredis(t *testing.T) storetest.Subject { return newSubject(t, newMiniredis(t)) }

func TestConformance(t *testing.T) { storetest.Run(t, openMiniredis) }

func TestModel(t *testing.T) {
	client := newMiniredis(t)
	storetest.RunModel(t, func(t *testing.T) storetest.Subject { return newSubject(t, client) })
}
