package server

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/goccy/go-yaml"
)

// Config is what must be known before the database is open. Everything else
// is data: it is edited with `cardea apply` and lives in the database. Each
// member has a usable zero value except Origin; the environment overrides the
// file.
type Config struct {
	// Origin of the built-in tenant, where staff sign in: https://host[:port].
	Origin string `yaml:"origin" env:"CARDEA_ORIGIN"`
	// Listen is the address of the public listener. Default ":8443" with TLS, "127.0.0.1:8080" without.
	Listen string `yaml:"listen" env:"CARDEA_LISTEN"`
	// MetricsListen serves /livez, /readyz and /metrics. Default "127.0.0.1:9090"; "off" turns it off.
	MetricsListen string `yaml:"metrics_listen" env:"CARDEA_METRICS_LISTEN"`
	// Data is the directory of the SQLite file. Default "./data".
	Data string `yaml:"data" env:"CARDEA_DATA"`
	// Database is empty for SQLite in Data, or a postgres:// URL.
	Database string `yaml:"database" env:"CARDEA_DATABASE"`
	// Keyring is the file of the root and wrapping keys. Default: Data + ".keyring", beside the directory and never inside.
	Keyring string `yaml:"keyring" env:"CARDEA_KEYRING_FILE"`
	// KeyringText is the keyring itself, for nodes that share one PostgreSQL. Environment only.
	KeyringText string `yaml:"-" env:"CARDEA_KEYRING"`
	// TLSCert and TLSKey are PEM files; both empty: a proxy in front ends TLS.
	TLSCert string `yaml:"tls_cert" env:"CARDEA_TLS_CERT"`
	TLSKey  string `yaml:"tls_key" env:"CARDEA_TLS_KEY"`
	// TrustedProxies are CIDRs whose X-Forwarded-For counts. Default none.
	TrustedProxies []string `yaml:"trusted_proxies" env:"CARDEA_TRUSTED_PROXIES"`
	// OutboundAllow are CIDRs that outbound requests may reach though they are not public. Default none.
	OutboundAllow []string `yaml:"outbound_allow" env:"CARDEA_OUTBOUND_ALLOW"`
	// StatementCache "off" is for PostgreSQL behind old poolers.
	StatementCache string `yaml:"statement_cache" env:"CARDEA_STATEMENT_CACHE"`
	// BreachFile is an optional filter of leaked passwords, made by `cardea breach build`.
	BreachFile string `yaml:"breach_file" env:"CARDEA_BREACH_FILE"`
	// FIDOMetadata is an optional file of the FIDO Metadata Service (the signed BLOB, or one statement a line as JSON). Attestations are trusted by its roots alone.
	FIDOMetadata string `yaml:"fido_metadata" env:"CARDEA_FIDO_METADATA"`
	// GeoFile is an optional MMDB file that says where networks are.
	GeoFile string `yaml:"geo_file" env:"CARDEA_GEO_FILE"`
	// NetworksFile is an optional list of networks of bad repute: a CIDR and a word (tor, vpn, hosting, abuse) a line.
	NetworksFile string `yaml:"networks_file" env:"CARDEA_NETWORKS_FILE"`
	// CheckpointFile receives every signed checkpoint of the journal as one line, for keeping elsewhere.
	CheckpointFile string `yaml:"checkpoint_file" env:"CARDEA_CHECKPOINT_FILE"`
	// Traces is the OTLP/HTTP endpoint of a collector, for example http://127.0.0.1:4318. Default none.
	Traces string `yaml:"traces" env:"CARDEA_TRACES"`
	// LogLevel is debug, info, warn or error. Default info.
	LogLevel string `yaml:"log_level" env:"CARDEA_LOG_LEVEL"`
}

// ReadConfig reads the file, if a path is given, then the environment, fills
// in the defaults and checks everything. All that is wrong is told at once.
func ReadConfig(path string, environ []string) (Config, error) {
	var c Config
	errs := []error{readFile(path, &c)}
	vars := env.ToMap(environ)
	errs = append(errs, unknownVariables(vars), env.ParseWithOptions(&c, env.Options{Environment: vars}))
	c.defaults()
	errs = append(errs, c.check())
	return c, errors.Join(errs...)
}

func readFile(path string, c *Config) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the configuration: %w. Give an existing file to --config, or leave it out", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(c); err != nil && len(bytes.TrimSpace(text)) > 0 {
		return fmt.Errorf("%s: %w. See docs/reference/configuration.md for every key", path, err)
	}
	return nil
}

// elsewhere says that a variable with our prefix is read by other commands, or
// by tests.
func elsewhere(name string) bool {
	return name == "CARDEA_CONFIG" || strings.HasPrefix(name, "CARDEA_TEST_")
}

// unknownVariables refuses a misspelt option (H220): an option that is
// silently ignored is a protection that somebody believes in.
func unknownVariables(vars map[string]string) error {
	fields, err := env.GetFieldParams(&Config{})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Key] = true
	}
	var errs []error
	for name := range vars {
		if strings.HasPrefix(name, "CARDEA_") && !known[name] && !elsewhere(name) {
			errs = append(errs, fmt.Errorf("unknown variable %s in the environment. Remove it, or see docs/reference/configuration.md", name))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) defaults() {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&c.Data, "data")
	fill(&c.Keyring, filepath.Clean(c.Data)+".keyring")
	fill(&c.MetricsListen, "127.0.0.1:9090")
	fill(&c.LogLevel, "info")
	if c.TLSCert != "" {
		fill(&c.Listen, ":8443")
	}
	fill(&c.Listen, "127.0.0.1:8080")
}

// Postgres reports whether the store is PostgreSQL.
func (c *Config) Postgres() bool { return c.Database != "" }

func (c *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkOrigin(c.Origin); err != nil {
		errs = append(errs, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		wrong("tls_cert and tls_key belong together. Give both, or neither behind a proxy")
	}
	if c.Postgres() && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		wrong("database must be a postgres:// URL, or empty for SQLite in the data directory")
	}
	if within(c.Keyring, c.Data) {
		wrong("keyring %s lies inside the data directory %s. Keep it outside, so that no backup of the data holds its keys", c.Keyring, c.Data)
	}
	for name, addr := range map[string]string{"listen": c.Listen, "metrics_listen": c.MetricsListen} {
		off := name == "metrics_listen" && addr == "off" // a server without its public listener would serve nobody
		if _, _, err := net.SplitHostPort(addr); err != nil && !off {
			wrong("%s %q is not host:port", name, addr)
		}
	}
	for name, list := range map[string][]string{"trusted_proxies": c.TrustedProxies, "outbound_allow": c.OutboundAllow} {
		if _, err := prefixes(list); err != nil {
			wrong("%s: %w. Write CIDRs like 10.0.0.0/8", name, err)
		}
	}
	for name, value := range map[string][2]string{"log_level": {c.LogLevel, "debug info warn error"}, "statement_cache": {c.StatementCache, "on off"}} {
		if value[0] != "" && !strings.Contains(" "+value[1]+" ", " "+value[0]+" ") {
			wrong("%s %q is none of: %s", name, value[0], value[1])
		}
	}
	return errors.Join(errs...)
}

// checkOrigin wants https://host[:port]; plain http only on loopback names.
func checkOrigin(origin string) error {
	if origin == "" {
		return errors.New("origin is missing. Set CARDEA_ORIGIN to where staff sign in, for example https://staff.example.com")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("origin %q must be https://host[:port] and nothing more", origin)
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return fmt.Errorf("origin %q must use https", origin)
	}
	return nil
}

func prefixes(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("%q is not a network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// within reports whether path lies in dir, both seen as they are written.
func within(path, dir string) bool {
	p, err1 := filepath.Abs(path)
	d, err2 := filepath.Abs(dir)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(d, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
