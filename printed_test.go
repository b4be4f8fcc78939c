package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"watchstander/bot"
)

// What the program prints of an error holds no secret that shows by its form, in
// whatever wrapping it comes.
func TestPrintedErrors(t *testing.T) {
	const secret = "Sommer2026!"
	cause := errors.New("open rest:https://vulcan:" + secret + "@backup.example/vulcan: no route to host")
	for _, err := range []error{cause, fmt.Errorf("asking: %w", cause), bot.Errorf(bot.CodeUnavailable, "The repository does not answer.").Because(cause), errors.Join(errors.New("first"), cause)} {
		if said := printed(err); strings.Contains(said, secret) || !strings.Contains(said, "no route to host") {
			t.Errorf("%s", said)
		}
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

// What is said of a faulty file speaks of passwords and keys, and nothing of it looks
// like one: neither here nor in a log does a hole stand in it.
func TestFaultsAreNotRedacted(t *testing.T) {
	n := 0
	for _, pattern := range []string{"bot/config/testdata/faulty/*.txtar", "bot/config/testdata/agent/faulty/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range archive.Files {
				if strings.HasSuffix(part.Name, ".yaml") {
					continue
				}
				for line := range strings.Lines(string(part.Data)) {
					n++
					if said := printed(errors.New("config.yaml" + line)); said != "config.yaml"+line {
						t.Errorf("%s: %s", file, said)
					}
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d faults were found", n)
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
