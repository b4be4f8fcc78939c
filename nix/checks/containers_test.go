package checks

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestImageScan: each image is looked through for itself, with a Podman and a trivy of the
// test's.
func TestImageScan(t *testing.T) {
	real.Require(t, "jq")
	b := newBench(t)
	for _, dir := range []string{"results", "figures"} {
		b.mkdir(dir)
	}
	list := b.write("images", "wiki docker.io/example/wiki@sha256:0\nbroken docker.io/example/broken@sha256:1\nsilent docker.io/example/silent@sha256:1\nnone docker.io/example/none@sha256:1\nweb docker.io/example/web@sha256:2\n")
	b.program("podman", `case "$1 $2" in
"image inspect") echo "id-of $5" ;;
"save --quiet") [ "$4" = docker-archive ] || exit 125 # trivy takes no other archive
	while [ $# -gt 1 ]; do [ "$1" != --output ] || out=$2; shift; done; echo "$1" >"$out" ;;
esac`)
	b.program("trivy", `while [ $# -gt 0 ]; do [ "$1" != --input ] || file=$2; shift; done
case $(cat "$file") in
*broken*) echo '{"SchemaVersion": 2, "Resul'; exit 1 ;;
*silent*) ;;
*none*) echo '{"error": "no such image"}' ;;
*web*) echo '{"SchemaVersion": 2}' ;;
*) echo '{"SchemaVersion": 2, "Results": [{"Target": "os"}, {"Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "CRITICAL"}, {"Severity": "HIGH"}, {"Severity": "HIGH"}]}]}' ;;
esac`)
	scan := func() (map[string]float64, string, bool) {
		t.Helper()
		said, ok := b.run("image-scan.sh", "podman", list, b.path("results"), b.path("cache"), b.path("figures/images.prom"))
		return b.figures("figures/images.prom"), said, ok
	}
	series := func(metric, image, more string) string {
		return metric + `{source="podman",image="` + image + `"` + more + `}`
	}
	got, said, ok := scan()
	if ok || !strings.Contains(said, "broken could not be looked at") {
		t.Errorf("one failed, and the unit did not: %s", said)
	}
	for name, want := range map[string]float64{
		series("watchstander_image_scan", "wiki", `,outcome="ok"`):                   1,
		series("watchstander_image_scan", "broken", `,outcome="failed"`):             1,
		series("watchstander_image_scan", "silent", `,outcome="failed"`):             1,
		series("watchstander_image_scan", "none", `,outcome="failed"`):               1,
		series("watchstander_image_scan", "web", `,outcome="ok"`):                    1,
		series("watchstander_image_vulnerabilities", "wiki", `,severity="critical"`): 1,
		series("watchstander_image_vulnerabilities", "wiki", `,severity="high"`):     2,
		series("watchstander_image_vulnerabilities", "web", `,severity="critical"`):  0,
		series("watchstander_image_scan_timestamp_seconds", "broken", ""):            0,
	} {
		if value, there := got[name]; !there || value != want {
			t.Errorf("%s is %v (%v)", name, value, there)
		}
	}
	if _, there := got[series("watchstander_image_vulnerabilities", "broken", `,severity="critical"`)]; there {
		t.Error("an image that nobody could look at has figures")
	}
	b.write("images", "wiki docker.io/example/wiki@sha256:0\n")
	if got, said, ok = scan(); !ok {
		t.Error(said)
	}
	b.recorded("images", got)
	if _, err := os.Stat(b.path("results/web.json")); err == nil {
		t.Error("an image that is gone still has its result")
	}
	// What it said of it before stands, where it cannot be asked.
	b.program("podman", "exit 125")
	if got, _, ok = scan(); ok || got[series("watchstander_image_vulnerabilities", "wiki", `,severity="critical"`)] != 1 || got[series("watchstander_image_scan", "wiki", `,outcome="failed"`)] != 1 {
		t.Errorf("without Podman: %v", got)
	}
}

// TestRegistryScan: every tag of a registry is looked through.
func TestRegistryScan(t *testing.T) {
	real.Require(t, "curl")
	b := newBench(t)
	for _, dir := range []string{"results", "figures"} {
		b.mkdir(dir)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := map[string]string{
			"/v2/_catalog":            `{"repositories": ["team/shop", "empty"]}`,
			"/v2/team/shop/tags/list": `{"name": "team/shop", "tags": ["1.0", "1.1"]}`,
			"/v2/empty/tags/list":     `{"name": "empty", "tags": null}`,
		}[r.URL.Path]
		if text == "" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	b.program("trivy", `for ref; do :; done; echo "$ref" >>"`+b.path("asked")+`"; echo '{"SchemaVersion": 2}'`)
	args := []string{"registry", address, b.path("results"), b.path("cache"), b.path("figures/registry.prom")}
	if said, ok := b.run("image-scan.sh", args...); !ok {
		t.Fatal(said)
	}
	if want := address + "/team/shop:1.0\n" + address + "/team/shop:1.1\n"; b.read("asked") != want {
		t.Errorf("it looked at %q, not %q", b.read("asked"), want)
	}
	if got := b.figures("figures/registry.prom"); got[`watchstander_image_scan{source="registry",image="team/shop:1.1",outcome="ok"}`] != 1 {
		t.Errorf("%v", got)
	}
	server.Close()
	before := b.read("figures/registry.prom")
	if _, ok := b.run("image-scan.sh", args...); ok || b.read("figures/registry.prom") != before {
		t.Error("a registry that does not answer is taken for an empty one")
	}
}
