package fetchtest_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"drawdown/consumer/fetch/fetchtest"
)

func TestConformanceOfBrokerInProcess(t *testing.T) {
	for name, brokers := range map[string]int{"one broker": 1, "three brokers": 3} {
		t.Run(name, func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(brokers))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fetchtest.Conformance(t, fetchtest.Broker{Addr: c.ListenAddrs()[0]})
		})
	}
}
