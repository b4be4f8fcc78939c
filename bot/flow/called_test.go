package flow

import (
	"testing"

	"watchstander/bot"
)

// People are meant by whatever their chat writes when they are mentioned, as far as that is
// one of them.
func TestWhoIsCalled(t *testing.T) {
	user := func(id string) bot.User { return bot.User{ID: bot.UserID(id)} }
	called := calledBy([]bot.Person{
		{ID: "bob", Users: []bot.User{user("@robert:example.org"), user("T0VULCAN/U0BOB"), user("uid:1002")}},
		{ID: "alice", Users: []bot.User{user("T0VULCAN/U0ALICE"), user("T0OTHER/U0ALICE")}},
		{ID: "carol", Users: []bot.User{user("T0OTHER/U0TWO"), user("@bob:example.org")}},
		{ID: "olga", Users: []bot.User{user("T0VULCAN/U0TWO")}},
		{ID: "u0bob"},
	})
	for name, want := range map[string]bot.PersonID{
		"bob": "bob", "@Bob": "bob", "@robert:example.org": "bob", "robert:example.org": "bob", "@U0ALICE": "alice", "uid:1002": "bob",
		"@bob:example.org": "carol", "robert": "", "@U0TWO": "", "": "", "@": "", "T0VULCAN/U0BOB": "",
		"@U0BOB": "u0bob", // a name of the configuration comes before an account
	} {
		if got := called[plainName(name)]; got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
