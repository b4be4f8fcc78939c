package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/client"
)

// killed is an agent of its own process, with a client that asks until it is
// answered.
type killed struct {
	*testing.T
	dir    string
	cmd    *exec.Cmd
	client *client.Client
	deaths int // of the agent
	during int // deaths of anybody while a run acted: after its marker, before its outcome
}

func (k *killed) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *killed) start() {
	k.Helper()
	k.cmd = exec.Command(os.Args[0])
	k.cmd.Env = []string{"WATCHSTANDER_TEST=agent", envDir + "=" + k.dir}
	k.cmd.Stderr = os.Stderr
	if err := k.cmd.Start(); err != nil {
		k.Error(err) // and all that follows fails
	}
}

func (k *killed) kill() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
	k.deaths++
	k.start()
}

// try asks until something is answered that is no lack of an agent.
func (k *killed) try(f func() (bot.Proposal, error)) (bot.Proposal, error) {
	k.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		p, err := f()
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeUnavailable || time.Now().After(end) {
			return p, err
		}
	}
}

// killWorkers kills those that have begun, and tells how many.
func (k *killed) killWorkers() (n int) {
	runs, _ := filepath.Glob(filepath.Join(k.dir, "state", runsDir, "*"))
	for _, run := range runs {
		var b begun
		d := disk{dir: run}
		if there, err := os.Stat(filepath.Join(run, fileOutcome)); err == nil && there != nil {
			continue // its number may be another process's by now
		}
		if d.readJSON(fileBegun, 4096, &b) == nil && b.By == "worker" && isWorker(b.PID) {
			if syscall.Kill(b.PID, syscall.SIGKILL) == nil {
				n++
			}
		}
	}
	return n
}

// isWorker looks whether the process is one of this test's.
func isWorker(pid int) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && strings.Contains(string(env), "WATCHSTANDER_TEST=worker")
}
