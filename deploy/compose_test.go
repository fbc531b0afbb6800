package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type service struct {
	Image       string
	Command     []string
	Entrypoint  []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Restart     string
	Profiles    []string
	Secrets     []string
	StopGrace   string                       `yaml:"stop_grace_period"`
	DependsOn   map[string]map[string]string `yaml:"depends_on"`
	Healthcheck struct {
		Test    any
		Disable bool
	}
}

type composeFile struct {
	Services map[string]service
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

func compose(t *testing.T) (file composeFile) {
	t.Helper()
	readYAML(t, "compose.yaml", &file, false)
	return file
}

// expectLines reports lines that a file lacks.
func expectLines(t *testing.T, file string, lines ...string) {
	t.Helper()
	have := strings.Split(read(t, file), "\n")
	for _, line := range lines {
		if !slices.Contains(have, line) {
			t.Errorf("%s has no line %q", file, line)
		}
	}
}

func TestRedisKeepsMoney(t *testing.T) {
	expectLines(t, "redis/redis.conf",
		"appendonly yes", "appendfsync everysec", "no-appendfsync-on-rewrite no", "maxmemory-policy noeviction",
		"hash-max-listpack-value 1024", "hash-max-listpack-entries 512")
}

func TestKafkaKeepsTheLog(t *testing.T) {
	kafka := compose(t).Services["kafka"]
	for name, want := range map[string]string{
		"KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE":     "LogAppendTime",
		"KAFKA_AUTO_CREATE_TOPICS_ENABLE":      "false",
		"KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE": "false",
		"KAFKA_LOG_RETENTION_MS":               "-1",
		"KAFKA_LOG_RETENTION_BYTES":            "-1",
	} {
		if got := kafka.Environment[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestServicesOutliveTrouble: what runs for long comes back after a crash, keeps its data in a volume, and tells its health.
func TestServicesOutliveTrouble(t *testing.T) {
	file := compose(t)
	for name, s := range file.Services {
		switch name {
		case "topics":
			if s.Restart != "on-failure" {
				t.Errorf("topics has restart %q", s.Restart)
			}
			continue
		case "cli", "repair":
			continue
		}
		if s.Restart != "unless-stopped" {
			t.Errorf("%s has restart %q", name, s.Restart)
		}
		ours := slices.Contains([]string{"worker", "sink", "purchaser", "notifier", "api"}, name) // the image brings a check
		if (!ours && s.Healthcheck.Test == nil) || s.Healthcheck.Disable {
			t.Errorf("%s has no health check", name)
		}
		if !ours {
			expectVolume(t, &file, name, &s)
		}
	}
	if want := []string{"alertmanager", "api", "cli", "clickhouse", "grafana", "kafka", "notifier", "prometheus", "purchaser", "redis", "repair", "sink", "topics", "worker"}; !slices.Equal(slices.Sorted(maps.Keys(file.Services)), want) {
		t.Errorf("services are %q, want %q", slices.Sorted(maps.Keys(file.Services)), want)
	}
}

func expectVolume(t *testing.T, file *composeFile, name string, s *service) {
	t.Helper()
	if _, declared := file.Volumes[name]; !declared || !slices.ContainsFunc(s.Volumes, func(v string) bool { return strings.HasPrefix(v, name+":/") }) {
		t.Errorf("%s keeps its data in no volume", name)
	}
}

func TestNothingListensBeyondTheMachine(t *testing.T) {
	for name, s := range compose(t).Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s", name, port)
			}
		}
	}
}

// TestMountedFilesExist: compose makes an empty folder of a file that is not there.
func TestMountedFilesExist(t *testing.T) {
	for name, s := range compose(t).Services {
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, "./") {
				if _, err := os.Stat(source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// TestSecretsAreMade: what compose.yaml asks for is what secrets.sh makes.
func TestSecretsAreMade(t *testing.T) {
	script := read(t, "secrets.sh")
	asked := regexp.MustCompile(`\$\{([A-Z_]+):\?`).FindAllStringSubmatch(read(t, "compose.yaml"), -1)
	if len(asked) == 0 {
		t.Fatal("compose.yaml asks for no secret")
	}
	for _, name := range asked {
		if !regexp.MustCompile(`\b` + name[1] + `\b`).MatchString(script) {
			t.Errorf("compose.yaml asks for %s, which secrets.sh does not make", name[1])
		}
	}
	for name, secret := range compose(t).Secrets {
		if secret.File != "./secrets/"+name || !regexp.MustCompile(`\b`+name+`\b`).MatchString(script) {
			t.Errorf("secrets.sh does not make %s, or compose.yaml looks for it at %s", name, secret.File)
		}
	}
	expectLines(t, ".gitignore", ".env", "secrets/")
}

// TestGraceIsAboveDrainTimeout: a process that is killed while it drains repeats work: a purchaser asks for payments again,
// a notifier may tell a customer twice.
func TestGraceIsAboveDrainTimeout(t *testing.T) {
	config := exampleConfig(t, "worker")
	// Besides draining, followers put down how far they came, which is one attempt more.
	following := config.Worker.AttemptTimeout
	for name, drain := range map[string]time.Duration{
		"worker": 2 * config.Worker.DrainTimeout, "sink": 2 * config.Worker.DrainTimeout,
		"purchaser": config.Purchasing.AttemptTimeout + following,
		"notifier":  config.Notifier.DrainTimeout + 2*config.Notifier.AttemptTimeout + following,
		"api":       config.API.DrainTimeout + following,
	} {
		grace, err := time.ParseDuration(compose(t).Services[name].StopGrace)
		if err != nil || grace < drain {
			t.Errorf("%s: stop_grace_period is %v (%v), it takes up to %v to end", name, grace, err, drain)
		}
	}
}

// TestWebhooksArePublished: what the gateway posts to this machine arrives where the purchaser listens, and nowhere else.
func TestWebhooksArePublished(t *testing.T) {
	_, port, _ := strings.Cut(exampleConfig(t, "purchaser").Purchasing.WebhooksAddr, ":")
	for name, s := range compose(t).Services {
		published := slices.Contains(s.Ports, "127.0.0.1:"+port+":"+port)
		if published != (name == "purchaser") {
			t.Errorf("%s publishes the port %s of webhooks: %v", name, port, published)
		}
	}
}

// TestTheAPIIsPublished where drawdown.yaml says that customers reach it, and where whoever pays comes back to.
func TestTheAPIIsPublished(t *testing.T) {
	config := exampleConfig(t, "api")
	_, port, _ := strings.Cut(config.API.Addr, ":")
	if ports := compose(t).Services["api"].Ports; !slices.Equal(ports, []string{"127.0.0.1:" + port + ":" + port}) || config.API.PublicURL != "http://127.0.0.1:"+port {
		t.Errorf("the API listens at %s, is published at %q and says that it is at %s", config.API.Addr, ports, config.API.PublicURL)
	}
	if back := exampleConfig(t, "purchaser").Purchasing; !strings.HasPrefix(back.SuccessURL, config.API.PublicURL+"/billing/") || !strings.HasPrefix(back.CancelURL, config.API.PublicURL+"/billing/") {
		t.Errorf("whoever pays comes back to %s or %s", back.SuccessURL, back.CancelURL)
	}
}

func TestOrderOfStart(t *testing.T) {
	services := compose(t).Services
	for _, dependency := range []struct{ name, on, condition string }{
		{"topics", "kafka", "service_healthy"},
		{"worker", "topics", "service_completed_successfully"},
		{"worker", "redis", "service_healthy"},
		{"sink", "topics", "service_completed_successfully"},
		{"sink", "clickhouse", "service_healthy"},
		{"purchaser", "topics", "service_completed_successfully"},
		{"purchaser", "redis", "service_healthy"},
		{"notifier", "topics", "service_completed_successfully"},
		{"notifier", "redis", "service_healthy"},
		{"api", "topics", "service_completed_successfully"},
		{"api", "redis", "service_healthy"},
	} {
		if got := services[dependency.name].DependsOn[dependency.on]["condition"]; got != dependency.condition {
			t.Errorf("%s waits for %s to be %q, want %q", dependency.name, dependency.on, got, dependency.condition)
		}
	}
	for _, name := range []string{"worker", "purchaser", "notifier", "api"} {
		if _, waits := services[name].DependsOn["clickhouse"]; waits {
			t.Errorf("%s must not wait for ClickHouse", name)
		}
	}
}

func TestImageRunsAsNobody(t *testing.T) {
	expectLines(t, "Dockerfile", "ENV CGO_ENABLED=0", "FROM gcr.io/distroless/base-debian12:nonroot", "USER nonroot:nonroot")
}

// TestVersionsArePinned: an image that moves by itself changes what is run without anybody's decision.
func TestVersionsArePinned(t *testing.T) {
	for name, s := range compose(t).Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s runs %s", name, s.Image)
		}
	}
}

// TestJobsAreServices: Prometheus finds processes by the names of compose.yaml.
func TestJobsAreServices(t *testing.T) {
	services := compose(t).Services
	for _, name := range []string{"worker", "sink", "purchaser", "notifier"} {
		if !jobs(t)["drawdown-"+name] {
			t.Errorf("Prometheus does not ask %s", name)
		}
	}
	for _, found := range regexp.MustCompile(`names: \[(\w+)\]`).FindAllStringSubmatch(read(t, "prometheus/prometheus.yaml"), -1) {
		if _, known := services[found[1]]; !known || !jobs(t)["drawdown-"+found[1]] {
			t.Errorf("prometheus.yaml looks for %s", found[1])
		}
	}
	_, port, _ := strings.Cut(exampleConfig(t, "worker").MetricsAddr, ":")
	if !strings.Contains(read(t, "prometheus/prometheus.yaml"), "port: "+port) {
		t.Errorf("metrics are at port %s, Prometheus asks another", port)
	}
}

func TestGrafanaFindsItsSources(t *testing.T) {
	var file struct {
		Datasources []struct{ UID, Type string }
	}
	readYAML(t, "grafana/provisioning/datasources/drawdown.yaml", &file, false)
	known := make(map[datasource]bool)
	for _, d := range file.Datasources {
		known[datasource{Type: d.Type, UID: d.UID}] = true
	}
	check := func(where string, d *datasource) {
		if d == nil || !known[*d] {
			t.Errorf("%s: datasource %v is not provisioned", where, d)
		}
	}
	board := dashboard(t)
	for _, a := range board.Annotations.List {
		check("annotation", a.Datasource)
	}
	for _, p := range board.Panels {
		if p.Type == "row" {
			continue
		}
		check(p.Title, p.Datasource)
		for _, target := range p.Targets {
			check(p.Title, target.Datasource)
			if (target.Expr == "") == (target.RawSQL == "") {
				t.Errorf("%s needs a query of one kind", p.Title)
			}
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%s has no description or no query", p.Title)
		}
	}
	expectPath(t)
}

// expectPath: the provider reads the folder that compose.yaml mounts the dashboard into.
func expectPath(t *testing.T) {
	t.Helper()
	var file struct {
		Providers []struct{ Options struct{ Path string } }
	}
	readYAML(t, "grafana/provisioning/dashboards/drawdown.yaml", &file, false)
	grafana := compose(t).Services["grafana"]
	for _, p := range file.Providers {
		if !slices.Contains(grafana.Volumes, "./grafana/dashboards:"+p.Options.Path+":ro") {
			t.Errorf("Grafana reads dashboards from %s, where nothing is mounted", p.Options.Path)
		}
	}
	home := filepath.Base(grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
	if _, err := os.Stat(filepath.Join("grafana/dashboards", home)); err != nil {
		t.Error(err)
	}
}

// TestPanelsDoNotOverlap: Grafana would move them, and the file would no longer say what is seen.
func TestPanelsDoNotOverlap(t *testing.T) {
	taken := make(map[[2]int]string)
	for _, p := range dashboard(t).Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is || x >= 24 {
					t.Fatalf("%s lies at %d, %d, where %q is or the page ends", p.Title, x, y, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
