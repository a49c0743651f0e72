package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryConfigurationErrorIsToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ReadConfig("", []string{
		"CARDEA_ORIGIN=http://shop.example", "CARDEA_TLS_CERT=a.pem", "CARDEA_DATABASE=mysql://x",
		"CARDEA_DATA=d", "CARDEA_KEYRING_FILE=d/keys", "CARDEA_TRUSTED_PROXIES=10.0.0.1", "CARDEA_LOG_LEVEL=loud",
	})
	for _, want := range []string{"must use https", "belong together", "postgres:// URL", "lies inside", "trusted_proxies", "log_level"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestH220_AMisspeltOptionRefusesToStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	if err := os.WriteFile(file, []byte("origin: https://a.example\ntrusted_proxy: [10.0.0.0/8]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(file, nil); err == nil || !strings.Contains(err.Error(), "trusted_proxy") {
		t.Errorf("the file's misspelt key was accepted: %v", err)
	}
	if _, err := ReadConfig("", []string{"CARDEA_ORIGIN=https://a.example", "CARDEA_TRUSTED_PROXY=10.0.0.0/8"}); err == nil {
		t.Error("the environment's misspelt variable was accepted")
	}
}

func TestOnlyTheMetricsListenerMayBeOff(t *testing.T) {
	t.Parallel()
	origin := "CARDEA_ORIGIN=https://a.example"
	if _, err := ReadConfig("", []string{origin, "CARDEA_METRICS_LISTEN=off"}); err != nil {
		t.Error(err)
	}
	if _, err := ReadConfig("", []string{origin, "CARDEA_LISTEN=off"}); err == nil || !strings.Contains(err.Error(), `listen "off" is not host:port`) {
		t.Errorf("a server without its public listener: %v", err)
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	if err := os.WriteFile(file, []byte("origin: https://a.example\nlisten: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(file, []string{"CARDEA_LISTEN=127.0.0.1:2", "PATH=/bin"})
	if err != nil || c.Listen != "127.0.0.1:2" || c.Origin != "https://a.example" || c.Keyring != "data.keyring" {
		t.Fatalf("%+v, %v", c, err)
	}
}
