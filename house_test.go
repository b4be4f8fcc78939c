package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"

	"watchstander/bot/config"
)

// running is a house at work in this process, with a configuration's file.
type running struct {
	*house
	ctx  context.Context
	addr string // where it listens
}

// runHouse starts one. Call stop before the file's folder is removed: it ends all
// and waits for it.
func runHouse(t *testing.T, file string) (r running, stop func()) {
	t.Helper()
	return runHouseAt(t, file, stage{})
}

// runHouseAt starts one with other parts.
func runHouseAt(t *testing.T, file string, st stage) (r running, stop func()) {
	t.Helper()
	c, err := config.Load(file, config.Options{Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), c, slog.New(slog.DiscardHandler), st)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() {
		if err := h.run(ctx, listener); err != nil {
			t.Error(err)
		}
	})
	return running{h, ctx, listener.Addr().String()}, func() {
		cancel()
		working.Wait()
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}
}
