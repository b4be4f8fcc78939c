package checks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// TestPostgresqlReadsItsFiles: a real PostgreSQL starts with the example host's settings and
// lines of pg_hba.conf, and knows them all. Its version is Debian's, and not 16.
func TestPostgresqlReadsItsFiles(t *testing.T) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		real.Missing(t, "PostgreSQL is not installed (Debian's package postgresql)")
	}
	bin := filepath.Dir(found[len(found)-1])
	var want struct {
		Settings       map[string]any
		Authentication string
	}
	out := instantiate(t, "--eval", "--strict", "--json", "-E",
		"let c = ((import ./. { }).tools.evaluate [ ../hosts/vulcan ]).services.postgresql; in { inherit (c) settings authentication; }")
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "pg") // short: a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // it refuses root
		as.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), args...)
		cmd.SysProcAttr, cmd.Dir, cmd.Env = as, dir, append(os.Environ(), "LC_ALL=C", "HOME="+dir)
		said, err := cmd.CombinedOutput()
		if err != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("%s: %v\n%s%s", name, err, said, log)
		}
		return strings.TrimSpace(string(said))
	}
	data := filepath.Join(dir, "data")
	run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")

	settings := maps.Clone(want.Settings)
	certificate(t, dir)
	settings["ssl_cert_file"], settings["ssl_key_file"] = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	settings["listen_addresses"], settings["unix_socket_directories"] = "", dir
	settings["hba_file"] = filepath.Join(dir, "hba.conf")
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if settings[name] != nil {
			fmt.Fprintf(&conf, "%s = '%v'\n", name, settings[name])
		}
	}
	// The test itself comes in by the socket, as somebody else.
	hba := strings.Replace(want.Authentication, "local all all peer", "local all all trust", 1)
	for name, text := range map[string]string{"data/postgresql.conf": conf.String(), "hba.conf": hba} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // it is another user's to read
			t.Fatal(err)
		}
	}
	run("pg_ctl", "-D", data, "-l", filepath.Join(dir, "log"), "-w", "start")
	defer run("pg_ctl", "-D", data, "-m", "immediate", "stop")

	ask := func(query string) string {
		t.Helper()
		return run("psql", "-h", dir, "-U", "postgres", "-Atc", query)
	}
	if wrong := ask("select line_number, error from pg_hba_file_rules where error is not null"); wrong != "" {
		t.Errorf("it does not take pg_hba.conf: %s\n%s", wrong, hba)
	}
	if got := ask("select type, address, auth_method from pg_hba_file_rules order by line_number"); !strings.Contains(got, "hostssl|10.100.0.0|scram-sha-256") {
		t.Errorf("it reads:\n%s", got)
	}
	for name, value := range map[string]string{"ssl": "on", "ssl_min_protocol_version": "TLSv1.2", "password_encryption": "scram-sha-256"} {
		if got := ask("show " + name); got != value {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// certificate writes one that signs itself, with its key, for whoever runs the server.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"db.vulcan.lan"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			if err := os.Chown(path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
	}
}
