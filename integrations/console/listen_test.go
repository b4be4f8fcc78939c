package console

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Another user, by the kernel's word: first kept out by the socket's mode, then
// heard under their own number, whatever they claim.
func TestAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	s := serve(t, Options{})
	s.pong()
	dir := filepath.Dir(s.socket)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "client")
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, b, 0o755); err != nil {
		t.Fatal(err)
	}
	say := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Dir, cmd.Stdin = "/", strings.NewReader("status\n")
		cmd.Env = []string{"CONSOLE_TEST_ROLE=client", "CONSOLE_TEST_SOCKET=" + s.socket, "USER=root", "HOME=/root"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := say(); err == nil || !strings.Contains(out, "You may not open") {
		t.Errorf("the socket's mode keeps nobody out: %v, %s", err, out)
	}
	if err := os.Chmod(s.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := say(); err != nil || !strings.Contains(out, "pong to status") {
		t.Errorf("%v, %s", err, out)
	}
	if e := <-s.sink.taken; e.User != "uid:54321" {
		t.Errorf("the sink got %+v", e)
	}
}

func TestSocketFile(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "run", "s")
	s := serve(t, Options{Socket: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	other, err := New(Options{ID: "x", Room: "x", Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Run(t.Context(), newSink()); err == nil || !strings.Contains(err.Error(), "another process answers") {
		t.Errorf("a second bot at one socket: %v", err)
	}
	s.attach(0) // the first one is not disturbed
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	// A killed bot's socket is in nobody's way.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	serve(t, Options{Socket: path}).attach(0)

	// Anything else is left alone.
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := New(Options{ID: "x", Room: "x", Socket: file})
	if err := c.Run(t.Context(), newSink()); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file at the socket's place: %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "x" {
		t.Error("the file is gone")
	}
}

// A listener that systemd made outlives Run.
func TestGivenListener(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 {
		s := serve(t, Options{Listener: l})
		s.socket = path
		s.attach(0)
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket is gone: %v", err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c, _ := New(Options{ID: "x", Room: "x", Listener: tcp})
	if err := c.Run(context.Background(), newSink()); err == nil {
		t.Error("a listener that cannot vouch for its clients is used")
	}
}
