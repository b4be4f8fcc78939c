package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestCollectEvidence: what can be asked is put away whole, what cannot is noted, and the
// oldest collections go.
func TestCollectEvidence(t *testing.T) {
	tar := real.Require(t, "tar")
	b := newBench(t)
	to := b.mkdir("evidence")
	b.program("systemctl", `echo "web.service loaded failed failed Web"`)
	b.program("journalctl", `echo "Nov 29 01:00:00 web[1]: out of files"`)
	b.program("zpool", "echo no pools available >&2; exit 1")
	for _, name := range []string{"20200101T000000Z", "20210101T000000Z", "20220101T000000Z"} {
		b.write("evidence/"+name+".tar.gz", "old")
		b.write("evidence/"+name+".sha256", "old")
	}
	said, ok := b.run("collect-evidence.sh", to, "2", "web.service")
	if !ok || !strings.Contains(said, "evidence is in "+to) {
		t.Fatal(said)
	}
	found, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil || len(found) != 4 {
		t.Fatalf("two collections should stay, with their sums: %v", found)
	}
	archive := found[3]
	if !strings.HasSuffix(archive, ".tar.gz") {
		archive = found[2]
	}
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it is not root's alone: %v, %v", info.Mode(), err)
	}
	out := b.mkdir("out")
	if text, err := exec.CommandContext(t.Context(), tar, "-xzf", archive, "-C", out, "--strip-components=1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for file, words := range map[string]string{
		"about": "reason: web.service", "failed-units": "web.service", "journal": "out of files", "processes": "PID", "memory": "MemTotal",
		"pools": "no pools available", "missing": "pools: zpool status -v ended with 1",
	} {
		if text := b.read("out/" + file); !strings.Contains(text, words) {
			t.Errorf("%s lacks %q:\n%s", file, words, text)
		}
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--quiet", strings.TrimSuffix(archive, ".tar.gz")+".sha256")
	check.Dir = out
	if text, err := check.CombinedOutput(); err != nil {
		t.Errorf("the sums are not those of what was put away: %v\n%s", err, text)
	}
}
