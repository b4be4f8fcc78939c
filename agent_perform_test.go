package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/plan"
)

// TestPerformByTheFileInForce: a run's own process takes up the agent's file anew. It
// goes by the one that the agent goes by, and looks at what that names as the agent
// does; or it does nothing, and says why. No such operation is what a run says here
// that took the file up.
func TestPerformByTheFileInForce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the agent's file belongs to root")
	}
	const taken = "Nothing was done: this"
	const changed = "Nothing was done: the agent's file was changed since the agent read it. Restart the agent, or have it reload, and ask again."
	const faults = "Nothing was done: the agent's file, or what it names, has faults by now"
	for _, x := range []struct {
		name      string
		operation bot.OperationName // lamp.set where it is ""
		change    func(dir string) error
		want      string
	}{
		{"as the agent has it", "", nil, taken},
		{"a health check was taken out", "", func(dir string) error {
			return rewrite(dir+"/agent.yaml", "{name: page, command: ["+dir+"/page]}", "")
		}, changed},
		{"only a comment was put in", "", func(dir string) error { return rewrite(dir+"/agent.yaml", "version: 1", "version: 1 # one") }, changed},
		{"it is no file of an agent any more", "", func(dir string) error { return rewrite(dir+"/agent.yaml", "version: 1", "version: 2") }, changed},
		{"others may write a health check's program", "", func(dir string) error { return os.Chmod(dir+"/page", 0o777) }, faults},
		{"others may write the file", "", func(dir string) error { return os.Chmod(dir+"/agent.yaml", 0o666) }, faults},
		{"no seeds", "", func(dir string) error { return os.Remove(dir + "/seed") }, taken},
		{"no password", "", func(dir string) error { return os.Remove(dir + "/password") }, taken},
		{"no password for a backup", "backup.burn", func(dir string) error { return os.Remove(dir + "/password") }, faults},
		{"others may write a password of a backup", "backup.burn", func(dir string) error { return os.Chmod(dir+"/password", 0o602) }, faults},
		{"a backup", "backup.burn", nil, taken},
		{"an order without a file", "", func(dir string) error {
			return rewrite(filepath.Join(dir, "state/runs", string(lampPlan().ID), "order.json"), `"file":`, `"folder":`)
		}, "does not say which file"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			p := lampPlan()
			if x.operation != "" {
				p.Operation = x.operation
			}
			b, err := plan.Canonical(p)
			if err != nil {
				t.Fatal(err)
			}
			file := strings.ReplaceAll(privilegedFile+`
nixos: {health_checks: [{name: page, command: [DIR/page]}]}
backup: {repositories: [{name: local, repository: /backup, password_file: DIR/password}]}
`, "DIR", dir)
			run := filepath.Join(dir, "state", "runs", string(p.ID))
			order, err := json.Marshal(map[string]any{"plan": p.ID, "digest": plan.Digest(b), "unit": "x.service", "begin_by": time.Now().Add(time.Hour), "file": fmt.Sprintf("%x", sha256.Sum256([]byte(file)))})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(run, 0o700); err != nil {
				t.Fatal(err)
			}
			for name, content := range map[string]string{dir + "/agent.yaml": file, dir + "/seed": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", dir + "/password": "made up",
				run + "/plan.json": string(b), run + "/order.json": string(order)} {
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(dir+"/page", []byte("#!/bin/sh\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			if x.change != nil {
				if err := x.change(dir); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			err = perform(t.Context(), agentOptions{file: dir + "/agent.yaml", state: dir + "/state", worker: true}, p.ID, &log)
			var out struct{ State, Why string }
			text, missing := os.ReadFile(run + "/outcome.json")
			if missing != nil || json.Unmarshal(text, &out) != nil || out.State != "failed" || !strings.HasPrefix(out.Why, "Nothing was done") || !strings.Contains(out.Why, x.want) {
				t.Errorf("%s, %v\nwant %s\n%v\n%s", text, missing, x.want, err, log.String())
			}
			if _, err := os.Stat(run + "/begun"); err != nil {
				t.Error(err)
			}
		})
	}
}

func rewrite(file, old, other string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Contains(b, []byte(old)) {
		return fmt.Errorf("%s has no %s", file, old)
	}
	return os.WriteFile(file, bytes.Replace(b, []byte(old), []byte(other), 1), 0o600)
}
