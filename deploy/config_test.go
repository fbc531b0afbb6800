package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-viper/mapstructure/v2"

	"drawdown/consumer"
	sink "drawdown/sinks/clickhouse"
)

func exampleConfig(t *testing.T) map[string]any {
	t.Helper()
	config := make(map[string]any)
	readYAML(t, "drawdown.yaml", &config, true)
	return config
}

// fill sets the fields of a configuration from a section of the example; an option that there is not is an error.
func fill(t *testing.T, section string, config any) {
	t.Helper()
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: config, TagName: "koanf", ErrorUnused: true,
		DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
		// batch_age_max is BatchAgeMax.
		MatchName: func(option, field string) bool {
			return strings.EqualFold(strings.ReplaceAll(option, "_", ""), strings.ReplaceAll(field, "_", ""))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := decoder.Decode(exampleConfig(t)[section]); err != nil {
		t.Fatalf("drawdown.yaml, %s: %v", section, err)
	}
}

func workerConfig(t *testing.T) consumer.Config {
	t.Helper()
	config := consumer.Default()
	fill(t, "worker", &config)
	return config
}

func TestExampleConfigOfWorker(t *testing.T) {
	config := workerConfig(t)
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}

func TestExampleConfigOfSink(t *testing.T) {
	config := sink.Default()
	fill(t, "sink", &config)
	config.DSN = "clickhouse://drawdown:secret@clickhouse:9000/drawdown" // comes from the environment
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}

func TestExampleConfigOfTopics(t *testing.T) {
	spec := consumer.DefaultTopicSpec()
	fill(t, "topics", &spec)
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
}

func TestExampleConfigHasNoSecrets(t *testing.T) {
	config := exampleConfig(t)
	want := []string{"kafka", "metrics_addr", "redis", "signing_keys_file", "sink", "topics", "worker"}
	if got := slices.Sorted(maps.Keys(config)); !slices.Equal(got, want) {
		t.Errorf("sections are %q, want %q", got, want)
	}
	for section, options := range config {
		if options, ok := options.(map[string]any); ok {
			for option := range options {
				if strings.Contains(option, "password") || strings.Contains(option, "dsn") {
					t.Errorf("%s.%s stands in a file that is no secret", section, option)
				}
			}
		}
	}
}
