package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// cached evaluates a host with one cache, as nginx gets it.
const cached = `
let
  config = (import ./. { }).tools.evaluate [ { watchstander.caches.proxy.static.locations."_" = [ "/static/" ]; } ];
  path = config.services.nginx.proxyCachePath.static;
in
{
  zone = "levels=${path.levels} keys_zone=${path.keysZoneName}:${path.keysZoneSize} inactive=${path.inactive} max_size=${path.maxSize}";
  location = config.services.nginx.virtualHosts."_".locations."/static/".extraConfig;
}`

// TestProxyCache: a real nginx keeps what is everybody's, gives it while the service is
// down, and keeps nothing that is one person's.
func TestProxyCache(t *testing.T) {
	program := real.Require(t, "nginx", "/usr/sbin/nginx")
	var c struct{ Zone, Location string }
	if err := json.Unmarshal(instantiate(t, "--eval", "--strict", "--json", "-E", cached), &c); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	var down atomic.Bool
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/signs-in") {
			w.Header().Set("Set-Cookie", "session=1")
		}
		if strings.HasSuffix(r.URL.Path, "/short") {
			w.Header().Set("Cache-Control", "max-age=1")
		}
		_, _ = fmt.Fprintf(w, "answer %d", n)
	}))
	defer service.Close()

	b := newBench(t)
	address := real.FreeAddr(t)
	config := b.write("nginx.conf", `
daemon off; pid `+b.path("pid")+`; error_log stderr;
events { }
http {
  access_log off;
  client_body_temp_path `+b.mkdir("body")+`; proxy_temp_path `+b.mkdir("proxy")+`; fastcgi_temp_path `+b.mkdir("fastcgi")+`;
  uwsgi_temp_path `+b.mkdir("uwsgi")+`; scgi_temp_path `+b.mkdir("scgi")+`;
  proxy_cache_path `+b.mkdir("cache")+` use_temp_path=off `+c.Zone+`;
  server { listen `+address+`; location /static/ { proxy_pass `+service.URL+`; `+c.Location+` } }
}`)
	nginx := exec.CommandContext(t.Context(), program, "-c", config, "-p", b.dir, "-g", "master_process off;")
	var said strings.Builder
	nginx.Stderr = &said
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nginx.Process.Kill(); _ = nginx.Wait() })

	get := func(path string, header ...string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		for range 50 {
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				time.Sleep(100 * time.Millisecond) // it is starting
				continue
			}
			defer func() { _ = response.Body.Close() }()
			text := make([]byte, 100)
			n, _ := response.Body.Read(text)
			return fmt.Sprintf("%d %s", response.StatusCode, text[:n])
		}
		t.Fatalf("nginx does not answer:\n%s", said.String())
		return ""
	}

	first := get("/static/logo")
	if again := get("/static/logo"); again != first {
		t.Errorf("what is everybody's was asked for again: %s, %s", first, again)
	}
	for _, header := range [][]string{{"Cookie", "session=2"}, {"Authorization", "Basic YTpi"}} {
		mine := get("/static/mine", header...)
		if again := get("/static/mine", header...); again == mine {
			t.Errorf("what came with %s is kept: %s", header[0], mine)
		}
		if other := get("/static/logo", header...); other == first {
			t.Errorf("who shows %s is given what is everybody's", header[0])
		}
	}
	if others := get("/static/mine"); strings.Contains(others, "answer 2") {
		t.Errorf("somebody else got what was one person's: %s", others)
	}
	if signed := get("/static/signs-in"); get("/static/signs-in") == signed {
		t.Error("what sets a cookie is kept")
	}
	short := get("/static/short")
	time.Sleep(2 * time.Second)
	down.Store(true)
	if stale := get("/static/short"); stale != short {
		t.Errorf("while the service is down it is not given what is kept: %s, %s", short, stale)
	}
}
