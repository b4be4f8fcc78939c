package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/store"
)

// What check looks at on the bot's own host. Whoever calls it may be another user
// than the one that the bot runs as, so what this user may not see is unknown
// rather than wrong, and says so.

// checkState looks at the state without making or changing it.
func checkState(ctx context.Context, c *config.Config) bot.Reading {
	const what = "state"
	tables, known, err := store.Inspect(ctx, c.State.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if state, why := makeable(filepath.Dir(c.State.Path)); state != bot.OK {
			return read(what, state, c.State.Path, "does not exist yet, and "+why)
		}
		return read(what, bot.OK, c.State.Path, "will be made at the first start")
	case errors.Is(err, fs.ErrPermission):
		return read(what, bot.Unknown, c.State.Path, "this user may not read it: check as the user that the bot runs as")
	case err != nil:
		return read(what, bot.NotOK, c.State.Path, err.Error())
	case tables > known:
		return read(what, bot.NotOK, c.State.Path, fmt.Sprintf("written by a newer watchstander (tables %d, this one knows %d): start that one", tables, known))
	case tables < known:
		return read(what, bot.OK, c.State.Path, fmt.Sprintf("tables %d, will be brought to %d at the next start", tables, known))
	}
	return read(what, bot.OK, c.State.Path, "")
}

// checkListen looks whether an address to listen on is free, or the bot's already.
func checkListen(ctx context.Context, what, address string) bot.Reading {
	// The bot itself holds the address while it runs.
	if alive(ctx, address) {
		return read(what, bot.OK, address, "a running watchstander answers there")
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = l.Close() // nobody was let in
		return read(what, bot.OK, address, "free")
	case errors.Is(err, syscall.EADDRINUSE):
		return read(what, bot.NotOK, address, "in use by something that does not answer like watchstander: stop it, or choose another address (listen)")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return read(what, bot.NotOK, address, "no interface of this host has this address (listen)")
	case errors.Is(err, fs.ErrPermission):
		return read(what, bot.Unknown, address, "this user may not listen there: check as the user that the bot runs as, or choose a port from 1024 on")
	}
	return read(what, bot.NotOK, address, "cannot be listened on: "+err.Error())
}

// alive tells whether a watchstander answers at the address.
func alive(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	return err == nil && resp.StatusCode == http.StatusOK && strings.TrimSpace(string(body)) == "alive"
}

// checkConsole looks whether the console's socket can be made, or is in use by a
// running bot.
func checkConsole(ctx context.Context, chat, path string) bot.Reading {
	what := "chat " + chat
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if state, why := makeable(filepath.Dir(path)); state != bot.OK {
			return read(what, state, path, "does not exist yet, and "+why)
		}
		return read(what, bot.OK, path, "will be made at the start")
	case errors.Is(err, fs.ErrPermission):
		return read(what, bot.Unknown, path, "this user may not see it: check as the user that the bot runs as")
	case err != nil:
		return read(what, bot.NotOK, path, err.Error())
	case info.Mode().Type() != fs.ModeSocket:
		return read(what, bot.NotOK, path, "is no socket, and is left alone: move it away, or choose another path (socket)")
	}
	dialer := net.Dialer{Timeout: 3 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close() // nothing was said
		return read(what, bot.OK, path, "in use: the bot runs")
	case errors.Is(err, syscall.ECONNREFUSED):
		return read(what, bot.OK, path, "left behind by a bot that was killed; replaced at the next start")
	case errors.Is(err, fs.ErrPermission):
		return read(what, bot.Unknown, path, "this user may not open it: check as the user that the bot runs as")
	}
	return read(what, bot.NotOK, path, err.Error())
}

// makeable tells whether a file can be made in the folder, which may be made too.
func makeable(dir string) (bot.ReadingState, string) {
	for {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			dir = filepath.Dir(dir)
			continue
		case errors.Is(err, fs.ErrPermission):
			return bot.Unknown, "this user may not look into its folder: check as the user that the bot runs as"
		case err != nil:
			return bot.NotOK, "cannot be made: " + err.Error()
		case !info.IsDir():
			return bot.NotOK, "cannot be made: " + dir + " is no folder"
		case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
			return bot.Unknown, "this user may not write into " + dir + ": check as the user that the bot runs as"
		}
		return bot.OK, ""
	}
}
