package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/config"
)

// What the program prints of an error holds no secret that shows by its form, in
// whatever wrapping it comes; faults of a file are told as they are.
func TestPrintedErrors(t *testing.T) {
	const secret = "Sommer2026!"
	cause := errors.New("open rest:https://vulcan:" + secret + "@backup.example/vulcan: no route to host")
	for _, err := range []error{cause, fmt.Errorf("asking: %w", cause), bot.Errorf(bot.CodeUnavailable, "The repository does not answer.").Because(cause), errors.Join(errors.New("first"), cause)} {
		if said := printed(err); strings.Contains(said, secret) || !strings.Contains(said, "no route to host") {
			t.Errorf("%s", said)
		}
	}
	faults := config.Faults{{File: "config.yaml", Field: "people[0].password", Message: "people are known by their chat accounts"}}
	if err := fmt.Errorf("the configuration has 1 fault:\n%w", faults); printed(err) != err.Error() {
		t.Errorf("%s", printed(err))
	}

	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	said, err := (&privileged{program: program}).other("journal", "verify", "--file", t.TempDir()+"/postgres://vulcan:"+secret+"@host")
	if err == nil || strings.Contains(said, secret) || !strings.HasPrefix(said, "watchstander: ") {
		t.Errorf("%v: %s", err, said)
	}
}

// Who knows a secret hides it, too, and programs still find what they look for.
func TestHushedErrors(t *testing.T) {
	hide := func(s string) string { return strings.ReplaceAll(s, "correct horse", "[redacted]") }
	if err := hush(nil, hide); err != nil {
		t.Error(err)
	}
	if err := hush(fs.ErrNotExist, hide); err != fs.ErrNotExist { //nolint:errorlint // it is the very one
		t.Errorf("%T", err)
	}
	err := hush(fmt.Errorf("correct horse: %w", bot.Errorf(bot.CodeInvalid, "no").Because(fs.ErrPermission)), hide)
	if !errors.Is(err, fs.ErrPermission) || printed(err) != "[redacted]: no (permission denied)" {
		t.Errorf("%v", err)
	}
}
