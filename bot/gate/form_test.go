package gate

import (
	"regexp"
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for _, x := range []struct {
		form, value string
		want        bool
	}{
		{"host1", "host1", true},
		{"host1", "host10", false},
		{"host1", "Host1", false},
		{"host1", "host1 ", false},
		{"host*", "host10", true},
		{"*", "", true},
		{"zfs.*", "zfs.arc.set", true},
		{"zfs.*", "zfs", false},
		{"zfs.*", "xzfs.arc", false},
		{"podman-*.service", "podman-web.service", true},
		{"podman-*.service", "podman-web.service.d", false},
		{"podman-*.service", "podman-a/b.service", false},
		{"/srv/*", "/srv/a", true},
		{"/srv/*", "/srv/a/b", false},
		{"/srv/*", "/srv/..", false},
		{"*/*", "../etc", false},
		{"/srv/*/*", "/srv/a/.", false},
		{"a*", "a\nb", false},
		{"*a*b", "xayazb", true},
		{"*a*b", "a/ab", false},
		{"1..10", "1", true},
		{"1..10", "10", true},
		{"1..10", "11", false},
		{"1..10", "0", false},
		{"1..10", "01", false},
		{"1..10", "+1", false},
		{"1..10", "1.5", false},
		{"1..10", "5B", false}, // a size is no number
		{"1..10", "1..10", false},
		{"0..10", "0", true},
		{"8GiB..32GiB", "8GiB", true},
		{"8GiB..32GiB", "32GiB", true},
		{"8GiB..32GiB", "34359738368", true},
		{"8GiB..32GiB", "34359738369", false},
		{"8GiB..32GiB", "16384MiB", true},
		{"8GiB..32GiB", "8191MiB", false},
		{"8GiB..32GiB", "16GB", false},
		{"8GiB..32GiB", "16 GiB", false},
		{"8GiB..32GiB", "", false},
		{"8GiB..32GiB", "99999999TiB", false},          // more than fits
		{"8GiB..32GiB", "18446744073709551616", false}, // and so that it would wrap
		{"8..32GiB", "16GiB", false},                   // one end has no unit: no range
		{"32GiB", "32GiB", true},
		{"32GiB", "34359738368", false}, // exact is exact
	} {
		if got := form(x.form).matches(x.value, true); got != x.want {
			t.Errorf("%q matches %q: %v", x.form, x.value, got)
		}
	}
	if form("1..10").matches("5", false) {
		t.Error("the name of a host is no number")
	}
}

func TestFormFaults(t *testing.T) {
	for f, want := range map[string]string{
		"vulcan": "", "zfs.*": "", "1..10": "", "8GiB..32GiB": "", "0..0": "",
		"":            "is empty",
		"a**":         "single *",
		"a\x00":       "control character",
		"10..1":       "ends before it begins",
		"8..32GiB":    "no range",
		"8GB..32GB":   "no range",
		"1..":         "no range",
		"../etc":      "no range",
		"32GiB..8GiB": "ends before it begins",
	} {
		got := form(f).fault(true)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", f, got)
		}
	}
	if got := form("a..b").fault(false); got != "" {
		t.Errorf("names are no ranges: %q", got)
	}
}

func TestFormCovers(t *testing.T) {
	for _, x := range []struct {
		wider, narrower string
		want            bool
	}{
		{"*", "zfs.*", true},
		{"zfs.*", "zfs.arc.*", true},
		{"zfs.arc.*", "zfs.*", false},
		{"zfs.*", "zfs.arc.set", true},
		{"zfs.arc.set", "zfs.*", false},
		{"a*c", "a*b*c", true},
		{"a*b*c", "a*c", false},
		{"1..10", "2..9", true},
		{"2..9", "1..10", false},
		{"1..10", "5", true},
		{"1..10", "50", false},
		{"1GiB..10GiB", "2..9", false},
		{"*", "1..10", true},
		{"1*", "1..10", false},
		{"1..10", "*", false},
	} {
		if got := form(x.wider).covers(form(x.narrower), true); got != x.want {
			t.Errorf("%q covers %q: %v", x.wider, x.narrower, got)
		}
	}
}

// FuzzForm: globs are what the equal regular expression says, whatever covers
// something matches all that it matches, and a range is never a surprise.
func FuzzForm(f *testing.F) {
	for _, x := range [][3]string{{"zfs.*", "*", "zfs.arc.set"}, {"*a*b", "a/ab", "*b"}, {"1..10", "2..3", "2"}, {"8GiB..9GiB", "*", "8GiB"}, {"*/../*", "*", "a/../b"}} {
		f.Add(x[0], x[1], x[2])
	}
	f.Fuzz(func(t *testing.T, a, b, value string) {
		if len(a)+len(b)+len(value) > 200 {
			t.Skip()
		}
		if strings.Contains(a, "*") {
			// (?s) and Latin-1: one byte is one character to the glob.
			var re strings.Builder
			for _, c := range []byte(a) {
				if c == '*' {
					re.WriteString(`[^/\x00-\x1f\x7f]*`)
				} else {
					re.WriteString(regexp.QuoteMeta(string(rune(c))))
				}
			}
			want := regexp.MustCompile(`(?s)^(?:`+re.String()+`)$`).MatchString(latin1(value)) && !dotted(value)
			if got := form(a).matches(value, false); got != want {
				t.Errorf("%q matches %q: %v", a, value, got)
			}
		}
		for _, ranges := range []bool{true, false} {
			if form(a).covers(form(b), ranges) && form(b).matches(value, ranges) && !form(a).matches(value, ranges) {
				t.Errorf("%q is to cover %q, and does not match %q", a, b, value)
			}
		}
		if lo, hi, ok := form(a).amounts(); ok {
			if v, plain := parseAmount(value); plain && form(a).matches(value, true) && (v.n < lo.n || v.n > hi.n) {
				t.Errorf("%q matches %q", a, value)
			}
		}
	})
}

func latin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}
