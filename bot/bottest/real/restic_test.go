package real

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every restic opens a repository whose key was made cheap, writes to it and finds
// it sound; and none with another password.
func TestMakeRepository(t *testing.T) {
	for version, program := range Restics(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "repository")
			if err := MakeRepository(program, dir, "correct horse"); err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(data, []byte("content"), 0o600); err != nil {
				t.Fatal(err)
			}
			restic := func(password string, args ...string) (string, error) {
				cmd := exec.Command(program, append(args, "--no-cache")...)
				cmd.Env = []string{"RESTIC_REPOSITORY=" + dir, "RESTIC_PASSWORD=" + password}
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if out, err := restic("correct horse", "backup", data); err != nil {
				t.Errorf("backup: %v: %s", err, out)
			}
			if out, err := restic("correct horse", "check", "--read-data"); err != nil || !strings.Contains(out, "no errors were found") {
				t.Errorf("check: %v: %s", err, out)
			}
			if out, err := restic("another", "snapshots"); err == nil || !strings.Contains(out, "wrong password") {
				t.Errorf("with another password: %v: %s", err, out)
			}
		})
	}
}
