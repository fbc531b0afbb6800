package app

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// EnvPrefix opens every environment variable.
const EnvPrefix = "DRAWDOWN_"

// Load reads the configuration: defaults, then the YAML file where path is not empty, then the environment, in which
// worker.drain_timeout is DRAWDOWN_WORKER_DRAIN_TIMEOUT and lists have commas. It returns every fault at once, also
// keys that do not exist.
func Load(path string, environ []string) (Config, error) {
	config := Default()
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return config, fmt.Errorf("read configuration %s: %w", path, err)
		}
	}
	keys := Keys()
	faults := unknownKeys(k, keys)
	fromEnv, envFaults := environment(environ, keys)
	faults = append(faults, envFaults...)
	if err := k.Load(confmap.Provider(fromEnv, "."), nil); err != nil {
		return config, fmt.Errorf("read configuration from the environment: %w", err)
	}
	faults = append(faults, decodeEach(k, &config)...)
	config.derive(k.Exists)
	faults = append(faults, config.Validate())
	if err := errors.Join(faults...); err != nil {
		return config, err
	}
	return config, nil
}

// decodeEach decodes key by key, so that one bad value hides no other.
func decodeEach(k *koanf.Koanf, config *Config) []error {
	var faults []error
	for _, key := range k.Keys() {
		one := koanf.New(".")
		if err := one.Load(confmap.Provider(map[string]any{key: k.Get(key)}, "."), nil); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", key, err))
			continue
		}
		err := one.UnmarshalWithConf("", config, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
			Result:           config,
			WeaklyTypedInput: true,
			Squash:           true, // what a part's own configuration has, and what is added to it here, is one section
			MatchName:        func(key, member string) bool { return key == snake(member) },
			TagName:          "-",
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(",")),
		}})
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: can't be read as %s", key, kindOf(key)))
		}
	}
	return faults
}

func kindOf(key string) string {
	for _, known := range Keys() {
		if known.Name == key {
			return known.Kind
		}
	}
	return "a value"
}

func unknownKeys(k *koanf.Koanf, keys []Key) []error {
	var faults []error
	for _, name := range k.Keys() {
		if !slices.ContainsFunc(keys, func(key Key) bool { return key.Name == name }) {
			faults = append(faults, fmt.Errorf("%s: no such key (`drawdown config show` lists them all)", name))
			k.Delete(name)
		}
	}
	return faults
}

// environment picks the variables that name a key. Variables of the tap are not the configuration's.
func environment(environ []string, keys []Key) (map[string]any, []error) {
	values := map[string]any{}
	var faults []error
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, EnvPrefix) || value == "" { // an empty variable is as good as none
			continue
		}
		at := slices.IndexFunc(keys, func(key Key) bool { return key.Env == name })
		switch {
		case at >= 0:
			values[keys[at].Name] = value
		case !slices.Contains(otherVariables, name):
			faults = append(faults, fmt.Errorf("%s: no such environment variable (`drawdown config show` lists them all)", name))
		}
	}
	return values, faults
}

// otherVariables are read elsewhere: by the command line and by the tap.
var otherVariables = []string{
	EnvPrefix + "CONFIG", EnvPrefix + "ACCOUNT", EnvPrefix + "CONNECTION", EnvPrefix + "SOURCE_CONNECTOR",
	EnvPrefix + "DESTINATION_CONNECTOR", EnvPrefix + "JOB", EnvPrefix + "ATTEMPT", EnvPrefix + "BROKERS",
	EnvPrefix + "TOPIC", EnvPrefix + "SPOOL_DIR",
}

// Key is one thing that can be configured.
type Key struct {
	Name   string // worker.drain_timeout
	Env    string // DRAWDOWN_WORKER_DRAIN_TIMEOUT
	Kind   string // what values look like
	Secret bool   // never shown
	index  []int
}

// Keys lists everything that can be configured, in the order of the configuration.
func Keys() []Key {
	return keysOf(reflect.TypeFor[Config](), "", nil)
}

// shared are keys that a part takes from elsewhere.
var shared = []string{"sink.dsn", "sink.charges_topic", "sink.ledger_topic", "api.page.secure_cookies"}

var secrets = []string{
	"kafka.password", "redis.password", "clickhouse.dsn", "signing_keys", "stripe.secret_key", "stripe.webhook_secrets",
	"email.password", "webhooks.master_key", "webhooks.previous_master_key", "api.access.session_keys",
	"api.access.oidc.client_secret",
}

func keysOf(t reflect.Type, prefix string, index []int) []Key {
	var keys []Key
	for i := range t.NumField() {
		member := t.Field(i)
		name := prefix + snake(member.Name)
		path := append(slices.Clone(index), i)
		if member.Type.Kind() == reflect.Func || !member.IsExported() {
			continue // clocks of tests
		}
		if member.Anonymous {
			keys = append(keys, keysOf(member.Type, prefix, path)...)
			continue
		}
		if member.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(member.Type, name+".", path)...)
			continue
		}
		if slices.Contains(shared, name) {
			continue
		}
		keys = append(keys, Key{
			Name: name, Env: EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")),
			Kind: kindName(member.Type), Secret: slices.Contains(secrets, name), index: path,
		})
	}
	return keys
}

func kindName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 250ms or 10s"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	default:
		return "an integer"
	}
}

// Value is the value of a key, "(secret)" for a secret that is set.
func (c *Config) Value(key Key) any {
	value := reflect.ValueOf(c).Elem().FieldByIndex(key.index)
	if key.Secret && !value.IsZero() {
		return "(secret)"
	}
	if duration, ok := value.Interface().(time.Duration); ok {
		return duration.String()
	}
	return value.Interface()
}

// snake turns a member's name into a key: DrainTimeout is drain_timeout, CAFile is ca_file.
func snake(name string) string {
	if name == "ClickHouse" {
		return "clickhouse"
	}
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		startsWord := i > 0 && unicode.IsUpper(r) &&
			(unicode.IsLower(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1])))
		if startsWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Values are all keys and values, without secrets, for a log line or a program.
func (c *Config) Values() map[string]any {
	values := map[string]any{}
	for _, key := range Keys() {
		values[key.Name] = c.Value(key)
	}
	return values
}
