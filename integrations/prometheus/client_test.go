package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

const password = "hunter2-very-secret"

// fake is a Prometheus that answers as its answer function says.
func fake(t *testing.T, answer http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	c, err := New(Config{URL: s.URL, Timeout: 2 * time.Second, MaxBody: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, s
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}
}

func matrix(series ...string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(series, ",") + `]}}`
}

var (
	from = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	to   = from.Add(6 * time.Hour)
)

func TestConfigFaultsAreToldAtOnceAndHideThePassword(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want []string
	}{
		{Config{}, []string{"http://host"}},
		{Config{URL: "ftp://x"}, []string{"http://host"}},
		{Config{URL: "http://"}, []string{"http://host"}},
		{Config{URL: "http://u:" + password + "@h:port"}, []string{"cannot be read"}},
		{Config{URL: "http://h/?token=" + password}, []string{"no query"}},
		{Config{URL: "http://h", Username: "u"}, []string{"belong together"}},
		{Config{URL: "http://h", Bearer: fromFile("a"), Username: "u", Password: fromFile("b")}, []string{"not both"}},
		{Config{URL: "http://u:" + password + "@h", Bearer: fromFile("a")}, []string{"holds a user"}},
		{Config{URL: "ftp://x", MaxPoints: 1, Username: "u"}, []string{"http://host", "too small", "belong together"}},
	} {
		_, err := New(c.cfg)
		if err == nil {
			t.Errorf("%+v is accepted", c.cfg)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is not in %v", w, err)
			}
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("the password is told: %v", err)
		}
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		says(`{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`)(w, r)
	}))
	defer s.Close()
	withUser := strings.Replace(s.URL, "http://", "http://me:"+password+"@", 1)
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{URL: s.URL}, ""},
		{Config{URL: s.URL, Bearer: fromFile(file)}, "Bearer one"},
		{Config{URL: s.URL, Username: "me", Password: fromFile(file)}, "Basic bWU6b25l"},
		{Config{URL: withUser}, "Basic bWU6aHVudGVyMi12ZXJ5LXNlY3JldA=="},
	} {
		write("one\n")
		client, err := New(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Instant(t.Context(), "7", time.Time{}); err != nil || got != c.want {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}

	// A rotated token works at once; a bad file is named, and nothing is sent.
	client, _ := New(Config{URL: s.URL, Bearer: fromFile(file)})
	write("two")
	if _, err := client.Instant(t.Context(), "7", time.Time{}); err != nil || got != "Bearer two" {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "  \n", "a\nb", "a\x00b"} {
		write(bad)
		got = "unsent"
		_, err := client.Instant(t.Context(), "7", time.Time{})
		if !errors.Is(err, ErrCredentials) || got != "unsent" {
			t.Errorf("%q: %v, %s", bad, err, got)
		}
	}
	os.Remove(file)
	if _, err := client.Instant(t.Context(), "7", time.Time{}); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed, with our credentials")
	}))
	defer elsewhere.Close()
	c, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	_, err := c.Instant(t.Context(), "1", time.Time{})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(bot.ForPeople(err), "final address") {
		t.Error(err)
	}
}

func TestFailuresAreTold(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
		says   string
	}{
		"bad expression": {status(400, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected \"<\""}`), ErrExpression, "parse error"},
		"too many samples": {status(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples"}`),
			ErrExpression, "too many samples"},
		"server's time-out": {status(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), ErrTimeout, "shorter"},
		"unauthorized":      {status(401, "<html>go away</html>"), ErrCredentials, "refused our credentials"},
		"forbidden":         {status(403, ""), ErrCredentials, "refused our credentials"},
		"not found":         {status(404, "no"), ErrUnavailable, "address"},
		"in trouble":        {status(500, strings.Repeat("stack trace\n", 10000)), ErrUnavailable, "runs"},
		"not JSON":          {says("<html>"), ErrUnavailable, ""},
		"half JSON":         {says(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"`), ErrUnavailable, ""},
		"strange JSON":      {says(`{"status":"success","data":{"resultType":"matrix","result":7}}`), ErrUnavailable, ""},
		"another type":      {says(`{"status":"success","data":{"resultType":"vector","result":[]}}`), ErrUnavailable, ""},
		"huge":              {says(matrix(strings.Repeat(" ", 2<<20))), ErrTooLarge, "Narrow"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, ErrTooLarge, "Narrow"},
	} {
		client, _ := fake(t, c.answer)
		_, err := client.Range(t.Context(), "up", from, to, nil)
		if !errors.Is(err, c.want) || !strings.Contains(bot.ForPeople(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := errors.AsType[*bot.Error](err); !ok || len(err.Error()) > 900 || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: an unfit error: %v", name, err)
		}
	}
}

func TestSlowServers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"dripping": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		_, s := fake(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // else the server does not see that the caller left
			answer(w, r)
		})
		client, err := New(Config{URL: s.URL, Timeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Range(t.Context(), "up", from, to, nil)
		if !errors.Is(err, ErrTimeout) || time.Since(start) > time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err = client.Range(ctx, "up", from, to, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, broken off: %v", name, err)
		}
	}
}

func TestUnreachableServerHidesTheUser(t *testing.T) {
	s := httptest.NewServer(nil)
	address := s.Listener.Addr().String()
	s.Close()
	c, err := New(Config{URL: "http://someone:" + password + "@" + address})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ready(t.Context())
	if !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "someone") {
		t.Errorf("tells the credentials: %v", err)
	}
}

func TestRange(t *testing.T) {
	var form map[string][]string
	c, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		form = r.Form
		says(matrix(
			`{"metric":{"__name__":"x","a":"1"},"values":[[1700000000,"1.5"],[1700000060,"NaN"],[1700000120,"+Inf"],[1700000180.5,"-2"]]}`,
			`{"metric":{"a":"2"},"values":[]}`,
			`{"metric":{"a":"3"},"histograms":[[1700000000,{"count":"1","sum":"2","buckets":[]}]]}`,
			`{"metric":{"a":"4"},"values":[[1700000000,"7"]]}`,
		))(w, r)
	})
	got, err := c.Range(t.Context(), "x", from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Step != 61*time.Second || form["step"][0] != "61" || form["query"][0] != "x" || form["timeout"][0] != "2s" {
		t.Errorf("%v %v", got.Step, form)
	}
	if len(got.Series) != 2 || len(got.Series[0].Points) != 4 {
		t.Fatalf("%+v", got)
	}
	p := got.Series[0].Points
	if p[0].Value != 1.5 || !math.IsNaN(p[1].Value) || !math.IsInf(p[2].Value, 1) || !p[3].At.Equal(time.UnixMilli(1700000180500)) {
		t.Errorf("%+v", p)
	}
	for _, bad := range []time.Duration{0, -time.Hour, 500 * 24 * time.Hour} {
		if _, err := c.Range(t.Context(), "x", to.Add(-bad), to, nil); err == nil {
			t.Errorf("a range of %v is accepted", bad)
		}
	}
}

func TestManySeriesAndPointsAreBounded(t *testing.T) {
	var all []string
	for i := range 500 {
		values := strings.Repeat(`[1700000000,"1"],`, 20) + `[1700000000,"1"]`
		all = append(all, fmt.Sprintf(`{"metric":{"a":"%03d"},"values":[%s]}`, i, values))
	}
	_, s := fake(t, says(matrix(all...)))
	c, err := New(Config{URL: s.URL, MaxSeries: 10, MaxPoints: 12})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Range(t.Context(), "x", from, to, func(l bot.Labels) bool { return l["a"] == "499" })
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Series) != 10 || got.Omitted != 490 || got.Series[0].Labels["a"] != "499" || len(got.Series[0].Points) > 13 {
		t.Errorf("%d series, %d omitted, first %v with %d points", len(got.Series), got.Omitted, got.Series[0].Labels, len(got.Series[0].Points))
	}
}

func TestInstant(t *testing.T) {
	for body, want := range map[string]string{
		`{"resultType":"scalar","result":[1700000000,"3"]}`: "[{map[] 3 2023-11-14}]",
		`{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1700000000,"4"]},{"metric":{},"histogram":[1,{"count":"1","sum":"2"}]}]}`: "[{map[a:b] 4 2023-11-14}]",
		`{"resultType":"string","result":[1700000000,"no"]}`: "refused",
		`{"resultType":"vector","result":[]}`:                "[]",
	} {
		c, _ := fake(t, says(`{"status":"success","data":`+body+`}`))
		got, err := c.Instant(t.Context(), "x", time.Time{})
		if want == "refused" {
			if !errors.Is(err, ErrExpression) {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		var parts []string
		for _, v := range got {
			parts = append(parts, fmt.Sprintf("{%v %v %s}", map[string]string(v.Labels), v.Value, v.At.UTC().Format(time.DateOnly)))
		}
		if s := "[" + strings.Join(parts, " ") + "]"; err != nil || s != want {
			t.Errorf("%s: %s, %v", body, s, err)
		}
	}
}

func TestReady(t *testing.T) {
	one := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"1"]}]}}`
	for name, c := range map[string]struct {
		ready, query, build string
		code                int
		version             string
		want                error
	}{
		"good":            {"Ready", one, `{"status":"success","data":{"version":"3.13.0"}}`, 200, "3.13.0", nil},
		"API alone":       {"no", one, "no", 404, "", nil},
		"starting":        {"Service Unavailable", one, "", 503, "", ErrUnavailable},
		"something else":  {"ok", "<html>", "", 200, "", ErrUnavailable},
		"another's truth": {"ok", strings.ReplaceAll(one, `"1"`, `"2"`), "", 200, "", ErrUnavailable},
	} {
		client, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/-/ready":
				w.WriteHeader(c.code)
				io.WriteString(w, c.ready)
			case "/api/v1/query":
				says(c.query)(w, r)
			default:
				says(c.build)(w, r)
			}
		})
		version, err := client.Ready(t.Context())
		if version != c.version || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, version, err)
		}
	}
}

// fromFile is how main gives a credential: read anew for each call.
func fromFile(path string) func() (string, error) {
	return func() (string, error) {
		b, err := os.ReadFile(path)
		return string(b), err
	}
}
