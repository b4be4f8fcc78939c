package restic

import (
	"slices"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, path  string
		takes, reaches bool
	}{
		{"/home/bob", "/home/bob", true, false},
		{"/home/bob/", "/home/bob/x", true, false},
		{"/home/bob", "/home/bobby", false, false},
		{"/home", "/home/bob", true, false},
		{"/home/bob/cache", "/home/bob", false, true},
		{"/home/*/cache", "/home/bob", false, true},
		{"/home/*/cache", "/home/bob/cache/x", true, false},
		{"/home/*", "/home", false, true},
		{"/var/cache", "/home", false, false},
		{"*.tmp", "/home/bob", false, true},
		{"*.tmp", "/home/x.tmp/y", true, true},
		{"node_modules", "/srv/node_modules", true, true},
		{"a/b", "/x/a/b/c", true, true},
		{"a/b", "/x/a/c/b", false, true},
		{"/srv/**/tmp", "/srv/a/b/tmp", true, true},
		{"/srv/**/tmp", "/srv", false, true},
		{"/srv/**", "/srv/x", true, true},
		{"/", "/anything", true, false},
		{"[", "/srv/[", true, true},
		{"[a", "/srv/b", false, true},
	} {
		p := parsePattern(tt.pattern)
		if p.takes(tt.path) != tt.takes || !tt.takes && p.reaches(tt.path) != tt.reaches {
			t.Errorf("%s on %s: takes %v, reaches %v", tt.pattern, tt.path, p.takes(tt.path), p.reaches(tt.path))
		}
	}
}

func TestCover(t *testing.T) {
	for _, tt := range []struct {
		name           string
		backedUp, pats []string
		want           coverage
	}{
		{"itself", []string{"/srv/photos"}, nil, coverage{whole: true}},
		{"with all above", []string{"/"}, []string{"/proc", "/srv/photos/.thumbs", "*.tmp", "*.tmp"}, coverage{whole: true, uncovered: []string{"/srv/photos/.thumbs", "*.tmp"}}},
		{"not at all", []string{"/srv/photos2", "relative"}, nil, coverage{}},
		{"a part", []string{"/srv/photos/2026"}, nil, coverage{part: true, uncovered: []string{"/srv/photos but for /srv/photos/2026"}}},
		{"left out", []string{"/srv"}, []string{"photos"}, coverage{whole: true, by: "photos"}},
		{"left out and taken in again", []string{"/srv"}, []string{"/srv/*", "!/srv/photos"}, coverage{whole: true, by: "/srv/*", inverted: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := cover("/srv/photos", tt.backedUp, tt.pats)
			if got.whole != tt.want.whole || got.part != tt.want.part || got.by != tt.want.by || got.inverted != tt.want.inverted || !slices.Equal(got.uncovered, tt.want.uncovered) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
