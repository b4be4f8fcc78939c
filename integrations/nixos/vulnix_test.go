package nixos_test

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/integrations/nixos"
)

// As vulnix 1.11 writes it, shortened.
const (
	found = `[
 {"name": "curl-8.17.0", "pname": "curl", "version": "8.17.0", "derivation": "/nix/store/a-curl-8.17.0.drv", "affected_by": ["CVE-2026-1", "CVE-2026-2"], "whitelisted": ["CVE-2020-9"],
  "cvssv3_basescore": {"CVE-2026-1": 5.3, "CVE-2026-2": 7.5, "CVE-2020-9": 9.8}, "description": {"CVE-2026-1": "x"}},
 {"name": "bash-5.3p3", "pname": "bash", "version": "5.3p3", "derivation": "/nix/store/b.drv", "affected_by": [], "whitelisted": ["CVE-2019-1"], "cvssv3_basescore": {"CVE-2019-1": 9.9}, "description": {}}
]`
	bad = `[
 {"pname": "openssl", "affected_by": ["CVE-2026-3", "CVE-2026-4"], "whitelisted": [], "cvssv3_basescore": {"CVE-2026-3": 9.8, "CVE-2026-4": 9.0}},
 {"pname": "curl", "affected_by": ["CVE-2026-5"], "whitelisted": [], "cvssv3_basescore": {"CVE-2026-5": 9.1}},
 {"pname": "new", "affected_by": ["CVE-2026-6"], "whitelisted": []}
]`
	unscored = `[
 {"pname": "curl", "affected_by": ["CVE-2026-1", "CVE-2026-2"], "cvssv3_basescore": {"CVE-2026-1": 5.3, "CVE-2026-2": 0}},
 {"pname": "new", "affected_by": ["CVE-2026-6"], "whitelisted": []}
]`
)

func TestVulnix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const result = "/var/lib/vulnix/result.json"
		v := newVulcan()
		// Generation 42, which runs, is of 4 March at 10:00.
		time.Sleep(time.Until(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)))
		read := func(o nixos.Vulnix) string {
			for _, r := range v.integration(t, func(x *nixos.Options) { x.Vulnix = o }).Probe().Read(t.Context()) {
				if r.What == "vulnerabilities" {
					return fmt.Sprintf("%s | %s | %s | %v %s", r.State, r.Value, r.Note, r.Figure, r.Unit)
				}
			}
			return ""
		}
		on := nixos.Vulnix{Result: result}
		if got := read(nixos.Vulnix{}); got != "" {
			t.Errorf("nobody asked: %s", got)
		}
		if got := read(on); got != "unknown |  | vulnix has left no result there | 0 " {
			t.Error(got)
		}
		for _, c := range []struct {
			name, text string
			age        time.Duration
			want       string
		}{
			{"none", "[]", time.Hour, "ok | 0 CVEs in 0 packages, as of 1 h ago |  | 0 1"},
			{"some", found, time.Hour, "ok | 2 CVEs in 1 package, as of 1 h ago |  | 2 1"},
			{"critical", bad, time.Hour, "not ok | 4 CVEs in 3 packages, as of 1 h ago | critical: openssl 9.8, curl 9.1; 1 without a score of CVSS 3, which may be critical | 4 1"},
			{"without a score", unscored, time.Hour, "unknown | 3 CVEs in 2 packages, as of 1 h ago | 2 without a score of CVSS 3, which may be critical | 3 1"},
			{"old", found, 9 * 24 * time.Hour, "unknown | 2 CVEs in 1 package, as of 9 d ago | vulnix wrote nothing for more than 8 d | 2 1"},
			{"old and critical", bad, 9 * 24 * time.Hour, "not ok | 4 CVEs in 3 packages, as of 9 d ago | critical: openssl 9.8, curl 9.1; vulnix wrote nothing for more than 8 d; 1 without a score of CVSS 3, which may be critical | 4 1"},
			{"it failed", "", time.Hour, "unknown |  | vulnix' result cannot be understood, as when it fails | 0 "},
			{"cut", found[:200], time.Hour, "unknown |  | vulnix' result cannot be understood, as when it fails | 0 "},
		} {
			v.files.put(result, node{data: c.text, mtime: time.Now().Add(-c.age)})
			if got := read(on); got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.name, got, c.want)
			}
		}
		v.files.put(result, node{data: found, mtime: time.Now().Add(-12 * 24 * time.Hour)})
		if got := read(nixos.Vulnix{Result: result, MaxAge: 30 * 24 * time.Hour}); got != "unknown | 2 CVEs in 1 package, as of 12 d ago | another system runs since then | 2 1" {
			t.Error(got)
		}
		v.files.put(result, node{mode: fs.ModeDir})
		if got := read(on); got != "unknown |  | vulnix' result cannot be read | 0 " {
			t.Error(got)
		}
	})
}
