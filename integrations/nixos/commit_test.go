package nixos_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"watchstander/bot"
)

// Until Commit begins, a host that loses power starts what it started before; the
// build lock is held all the time.
func TestNothingLastsBeforeCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		r := v.integration(t, nil).Rollback()
		p, err := plan(t, r, "41")
		if err != nil {
			t.Fatal(err)
		}
		w := &fakeWork{notes: map[string]string{}}
		as := func(when string, current, profile, starts int, held bool) {
			t.Helper()
			if v.current(t) != current || v.profile(t) != "system-"+itoa(profile)+"-link" || v.starts(t) != starts || v.files.held != held {
				t.Errorf("%s: %d runs, the profile is %s, %d would start, the lock is held: %v", when, v.current(t), v.profile(t), v.starts(t), v.files.held)
			}
		}
		as("planned", 42, 42, 42, false)
		if err := r.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		as("applied", 41, 42, 42, true)
		if _, err := r.Verify(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		as("verified", 41, 42, 42, true)
		if _, err := r.Commit(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		as("committed", 41, 41, 41, false)
		for i, env := range v.envs {
			if slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "NIXOS_NO_CHECK") }) {
				t.Errorf("%s got %v", v.argv[i], env)
			}
		}
	})
}

// Between Verify and Commit somebody may be asked to confirm. Who does not, or a
// switch by somebody else, must not be made to last.
func TestCommitLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		r := v.integration(t, nil).Rollback()
		p, _ := plan(t, r, "41")
		w := &fakeWork{notes: map[string]string{}}
		if err := r.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		v.files.link("/run/current-system", toplevel(40))
		if _, err := r.Commit(t.Context(), p, w); bot.ForPeople(err) != "Generation 41 does not run any more, so that it is not made what vulcan starts." {
			t.Errorf("committed: %v", err)
		}
		if got := strings.Join(v.ran(), "; "); got != "41 test" {
			t.Errorf("it ran %s", got)
		}
	})
}
