package main

import (
	"slices"
	"testing"
)

// The console sends "ack t1" into t1 for the commands that take a thread.
func TestThreaded(t *testing.T) {
	got := threaded()
	for _, name := range []string{"ack", "unack", "alerts", "al", "graph", "silence", "mute", "unsilence", "approve", "deny", "cancel", "confirm", "statement", "approvals", "journal"} {
		if !slices.Contains(got, name) {
			t.Errorf("%s takes a thread and is not among %q", name, got)
		}
	}
	for _, name := range []string{"help", "status", "silences", "whoami", "rollback"} {
		if slices.Contains(got, name) {
			t.Errorf("%s takes no thread and is among %q", name, got)
		}
	}
}
