package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// written are the example host's files of logs and of Grafana.
type written struct {
	Loki    map[string]any `json:"loki"`
	Alloy   string         `json:"alloy"`
	Grafana struct {
		Provision struct {
			Datasources struct {
				Settings struct {
					APIVersion        int `json:"apiVersion"`
					Datasources       []map[string]any
					DeleteDatasources []map[string]any
				} `json:"settings"`
			} `json:"datasources"`
			Dashboards struct {
				Settings struct {
					APIVersion int `json:"apiVersion"`
					Providers  []map[string]any
				} `json:"settings"`
			} `json:"dashboards"`
		} `json:"provision"`
	} `json:"grafana"`
}

// lokiFile is the example host's configuration, with this folder and this address in the
// place of its own.
func lokiFile(t *testing.T, config map[string]any, dir, addr string) string {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(addr, ":")
	_, grpc, _ := strings.Cut(real.FreeAddr(t), ":")
	here := strings.NewReplacer("/var/lib/loki", dir, `"http_listen_port":3100`, `"http_listen_port":`+port, `"grpc_listen_port":9096`, `"grpc_listen_port":`+grpc).Replace(string(text))
	path := filepath.Join(dir, "loki.json")
	if err := os.WriteFile(path, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoki has the real one take the example host's configuration, lines as Alloy would send
// them, and every query of the dashboards.
func TestLoki(t *testing.T) {
	program := real.Require(t, "loki")
	config := evaluate[written](t, "logs").Loki
	dir, addr := t.TempDir(), real.FreeAddr(t)
	path := lokiFile(t, config, dir, addr)
	if out, err := exec.CommandContext(t.Context(), program, "-verify-config", "-config.file="+path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	base := "http://" + addr
	real.StartProcess(t, real.Command{Name: "loki", Path: program, Args: []string{"-config.file=" + path}, Dir: dir})
	now := time.Now()
	line := func(labels, text string) string {
		return fmt.Sprintf(`{"stream":{"job":"journal","host":"vulcan",%s},"values":[["%d",%q]]}`, labels, now.Add(-time.Minute).UnixNano(), text)
	}
	push := `{"streams":[` + strings.Join([]string{
		line(`"unit":"nginx.service","level":"error","transport":"stdout"`, "upstream timed out"),
		line(`"unit":"sshd.service","level":"info","transport":"stdout"`, "Failed password for invalid user admin"),
		line(`"level":"notice","transport":"audit"`, `AVC apparmor="DENIED" operation="open" profile="nginx"`),
	}, ",") + `]}`
	real.Eventually(t, time.Minute, "Loki takes lines", func() error {
		_, err := post(t, base+"/loki/api/v1/push", push)
		return err
	})

	if *recordNew {
		old := fmt.Sprintf(`{"streams":[{"stream":{"job":"journal"},"values":[["%d","too old"]]}]}`, now.Add(-10*24*time.Hour).UnixNano())
		if _, err := post(t, base+"/loki/api/v1/push", old); err == nil {
			t.Error("a line of ten days ago is taken")
		}
		save(t, "loki", "Loki 3.7.8, built from the module proxy's source; with the example host's configuration, three lines and one that was too old; of its thousand metrics a few:\n  loki -config.file=…",
			base+"/metrics", "loki_discarded_samples_total{", "loki_distributor_lines_received_total{", "loki_ingester_memory_streams{")
		keepFew(t, "recorded/loki.prom", regexp.MustCompile(`^# [LA ]|^(?:# (?:HELP|TYPE) )?loki_(?:build_info|discarded|distributor_(?:bytes|lines)_received_total|ingester_memory_(?:chunks|streams)|compactor_apply_retention_[a-z_]+_seconds|panic_total)`))
	}

	queries := asked(t, "loki")
	for where, q := range queries {
		answer, err := get(t, base+"/loki/api/v1/query_range?"+url.Values{"query": {q}, "start": {fmt.Sprint(now.Add(-30 * time.Minute).UnixNano())}, "end": {fmt.Sprint(now.Add(time.Minute).UnixNano())}, "step": {"60"}}.Encode())
		var got struct{ Data struct{ Result []any } }
		if err == nil {
			err = json.Unmarshal(answer, &got)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", where, err, q)
		} else if len(got.Data.Result) == 0 {
			t.Errorf("%s finds none of the lines: %s", where, q)
		}
	}
}

// TestLokiRefuses: that looking through a configuration finds something.
func TestLokiRefuses(t *testing.T) {
	program := real.Require(t, "loki")
	config := evaluate[written](t, "logs").Loki
	config["compactor"].(map[string]any)["delete_request_store"] = ""
	path := lokiFile(t, config, t.TempDir(), real.FreeAddr(t))
	if out, err := exec.CommandContext(t.Context(), program, "-verify-config", "-config.file="+path).CombinedOutput(); err == nil {
		t.Errorf("it takes a retention that would delete nothing: %s", out)
	}
}

// keepFew leaves of a file the lines that fit.
func keepFew(t *testing.T, path string, fit *regexp.Regexp) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var left strings.Builder
	for line := range strings.Lines(string(text)) {
		if fit.MatchString(line) {
			left.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(left.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, address string) ([]byte, error) { return ask(t, http.MethodGet, address, nil) }

func post(t *testing.T, address, body string) ([]byte, error) {
	return ask(t, http.MethodPost, address, strings.NewReader(body))
}

func ask(t *testing.T, method, address string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return text, err
}

// TestAlloy: its file is of the language's form. Which components there are, and what they
// take, only Alloy itself knows.
func TestAlloy(t *testing.T) {
	program := real.Require(t, "alloy-syntax")
	text := evaluate[written](t, "logs").Alloy
	read := func(text string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Stdin = strings.NewReader(text)
		return cmd.CombinedOutput()
	}
	if out, err := read(text); err != nil {
		t.Errorf("%v: %s\n%s", err, out, text)
	}
	if _, err := read(strings.Replace(text, "}", "", 1)); err == nil {
		t.Error("a file that lacks a bracket is taken")
	}
	// What is named is there.
	for _, m := range regexp.MustCompile(`(loki\.[a-z.]+)\.([a-z]+)\.(?:receiver|rules)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, fmt.Sprintf("%s %q {", m[1], m[2])) {
			t.Errorf("there is no %s %q", m[1], m[2])
		}
	}
}

var relabelling = regexp.MustCompile(`(?s)rule \{\s*source_labels = \["unit"\]\s*regex\s*= ("(?:[^"\\]|\\.)*")\s*target_label\s*= "unit"\s*replacement\s*= "([^"]*)"`)

// TestUnitNames: units that are made anew each time make one stream, and the others keep
// their names. The rules are read from the file, and applied as relabelling does.
func TestUnitNames(t *testing.T) {
	rules := relabelling.FindAllStringSubmatch(evaluate[written](t, "logs").Alloy, -1)
	if len(rules) != 3 {
		t.Fatalf("%d rules were found", len(rules))
	}
	rename := func(unit string) string {
		for _, r := range rules {
			var pattern string
			if err := json.Unmarshal([]byte(r[1]), &pattern); err != nil {
				t.Fatal(err)
			}
			re := regexp.MustCompile("^(?:" + pattern + ")$")
			if m := re.FindStringSubmatchIndex(unit); m != nil {
				unit = string(re.ExpandString(nil, r[2], unit, m))
			}
		}
		return unit
	}
	for unit, want := range map[string]string{
		"nginx.service":                              "nginx.service",
		"watchstander-agent.service":                 "watchstander-agent.service",
		"session-c12.scope":                          "session.scope",
		"session-4711.scope":                         "session.scope",
		"run-u123.service":                           "run.service",
		"run-r0d1f.scope":                            "run.scope",
		"libpod-" + hex64 + ".scope":                 "libpod.scope",
		hex64 + ".service":                           "podman-healthcheck.service",
		hex64 + "-1a2b.service":                      "podman-healthcheck.service",
		"systemd-coredump@3-4711-0.service":          "systemd-coredump@.service",
		"sshd@7-192.0.2.1:22-192.0.2.9:5022.service": "sshd@.service",
		"getty@tty1.service":                         "getty@tty1.service",
		"user@1000.service":                          "user@.service",
		"container@web.service":                      "container@web.service",
		"restic-backups-b2.service":                  "restic-backups-b2.service",
	} {
		if got := rename(unit); got != want {
			t.Errorf("%s becomes %s, not %s", unit, got, want)
		}
	}
}

const hex64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// TestGrafanaProvisioning: the files' shape is the one that Grafana reads, and the
// dashboards' sources are those that are there.
func TestGrafanaProvisioning(t *testing.T) {
	p := evaluate[written](t, "logs").Grafana.Provision
	uids := map[any]bool{}
	for _, s := range p.Datasources.Settings.Datasources {
		for _, key := range []string{"name", "type", "uid", "url", "access"} {
			if text, ok := s[key].(string); !ok || text == "" {
				t.Errorf("%v has no %s", s["name"], key)
			}
		}
		if uids[s["uid"]] {
			t.Errorf("two sources have the uid %v", s["uid"])
		}
		uids[s["uid"]] = true
	}
	if p.Datasources.Settings.APIVersion != 1 || p.Dashboards.Settings.APIVersion != 1 || len(p.Dashboards.Settings.Providers) != 1 {
		t.Errorf("%+v", p)
	}
	for name, d := range readDashboards(t) {
		for _, v := range d.Templating.List {
			var kind string
			if v.Type == "datasource" && (json.Unmarshal(v.Query, &kind) != nil || !uids[kind]) {
				t.Errorf("%s wants a source of %s, which is not there", name, bytes.TrimSpace(v.Query))
			}
		}
	}
}
