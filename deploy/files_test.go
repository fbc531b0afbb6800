package deploy

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// readYAML reads a file into value. A key that value does not know is an error where strict.
func readYAML(t *testing.T, file string, value any, strict bool) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file))))
	decoder.KnownFields(strict)
	if err := decoder.Decode(value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// alert is one rule of prometheus/alerts.yaml.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	readYAML(t, "prometheus/alerts.yaml", &file, true)
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// alertTestFile is prometheus/alerts_test.yaml.
type alertTestFile struct {
	Tests []struct {
		Name        string
		InputSeries []struct{ Series, Values string } `yaml:"input_series"`
		Queries     []struct {
			Expr     string
			EvalTime string           `yaml:"eval_time"`
			Samples  []map[string]any `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

func alertTests(t *testing.T) (file alertTestFile) {
	t.Helper()
	readYAML(t, "prometheus/alerts_test.yaml", &file, false)
	return file
}

// jobs are the names that Prometheus knows processes by.
func jobs(t *testing.T) map[string]bool {
	t.Helper()
	var file struct {
		ScrapeConfigs []struct {
			JobName string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, "prometheus/prometheus.yaml", &file, false)
	names := make(map[string]bool)
	for _, scrape := range file.ScrapeConfigs {
		names[scrape.JobName] = true
	}
	return names
}

type datasource struct{ Type, UID string }

type panel struct {
	Type, Title, Description string
	Datasource               *datasource
	GridPos                  struct{ H, W, X, Y int }
	Targets                  []struct {
		Datasource *datasource
		Expr       string
		RawSQL     string `json:"rawSql"`
	}
}

type dashboardFile struct {
	UID         string
	Panels      []panel
	Annotations struct {
		List []struct {
			Datasource *datasource
			Expr       string
		}
	}
}

func dashboard(t *testing.T) (file dashboardFile) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboards/drawdown.json")), &file); err != nil {
		t.Fatal(err)
	}
	return file
}
