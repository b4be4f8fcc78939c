package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	_ "time/tzdata"

	"golang.org/x/tools/txtar"

	"watchstander/bot/config"
)

var update = flag.Bool("update", false, "write what was found into testdata; read the difference before you believe it")

// sound are the sections of a file without faults and warnings.
var sound = []struct{ key, text string }{
	{"version", `version: 1`},
	{"chats", `chats: [{name: matrix, matrix: {homeserver: https://matrix.example.org, user: "@watchstander:example.org", token_file: matrix-token}}]`},
	{"rooms", `rooms: [{name: ops, chat: matrix, id: "!abc:example.org"}]`},
	{"people", `people: [{name: alice, roles: [operator], matrix: ["@alice:example.org"]}]`},
	{"alertmanagers", `alertmanagers: [{name: main, urls: ["http://127.0.0.1:9093"], receivers: [watchstander]}]`},
	{"webhooks", `webhooks: [{name: main, alertmanager: main, bearer_token_file: webhook-token}]`},
	{"routes", `routes: [{match: [alertname="Watchdog"], as: heartbeat, absent_after: 10m, rooms: [ops]}, {rooms: [ops]}]`},
}

// whole adds the sections that a case does not have itself, after it, so that
// its lines keep their numbers. A case that begins with "# whole" has none
// added, and neither has an empty one.
func whole(text string) []byte {
	if text == "" || strings.HasPrefix(text, "# whole\n") {
		return []byte(text)
	}
	for _, s := range sound {
		if !regexp.MustCompile(`(?m)^` + s.key + `:`).MatchString(text) {
			text += s.text + "\n"
		}
	}
	return []byte(text)
}

func TestSoundIsSound(t *testing.T) {
	c, err := config.Parse(whole("# nothing of its own\n"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Fatal(config.Faults(c.Warnings))
	}
}

func TestFaultyFiles(t *testing.T) {
	cases := 0
	eachArchive(t, "testdata/faulty/*.txtar", ".faults", func(t *testing.T, data []byte) string {
		cases++
		c, err := config.Parse(data, config.Options{File: "f"})
		var faults config.Faults
		if !errors.As(err, &faults) || len(faults) == 0 || c != nil {
			t.Errorf("got %v, %T %v", c, err, err)
			return ""
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Error("a secret is told")
		}
		return faults.Error() + "\n"
	})
	if cases < 60 {
		t.Errorf("%d cases", cases)
	}
}

func TestWarnings(t *testing.T) {
	eachArchive(t, "testdata/warnings.txtar", ".warnings", func(t *testing.T, data []byte) string {
		c, err := config.Parse(data, config.Options{File: "f"})
		if err != nil {
			t.Error(err)
			return ""
		}
		return strings.TrimPrefix(config.Faults(c.Warnings).Error()+"\n", "\n")
	})
}

// eachArchive runs every NAME.yaml of the archives, and compares with the file
// after it.
func eachArchive(t *testing.T, glob, ending string, run func(*testing.T, []byte) string) {
	t.Helper()
	eachArchiveOf(t, glob, ending, whole, run)
}

func eachArchiveOf(t *testing.T, glob, ending string, whole func(string) []byte, run func(*testing.T, []byte) string) {
	t.Helper()
	paths, err := filepath.Glob(glob)
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(a.Files); i += 2 {
			in, want := a.Files[i], &a.Files[i+1]
			name := strings.TrimSuffix(in.Name, ".yaml")
			if want.Name != name+ending {
				t.Fatalf("%s: %s is followed by %s", path, in.Name, want.Name)
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, func(t *testing.T) {
				got := run(t, whole(string(in.Data)))
				if *update {
					want.Data = []byte(got)
				} else if !bytes.Equal(want.Data, []byte(got)) {
					t.Errorf("got:\n%swant:\n%s", got, want.Data)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
