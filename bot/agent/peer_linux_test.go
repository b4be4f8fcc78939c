package agent

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// The kernel, and nobody else, says who connects.
func TestPeersByTheKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	s := opened(t, newWorld(t), func(s *Server) { s.o.Peer = peerUID })
	for path, mode := range map[string]os.FileMode{filepath.Dir(s.bot): 0o755, s.bot: 0o666, s.human: 0o666} {
		s.ok(os.Chmod(path, mode)) // what keeps others out here is who they are
	}
	s.proposed()
	for _, c := range []struct {
		uid          int
		socket, want string
	}{
		{botUID, s.bot, `"proposals":[`},
		{1003, s.bot, "not for you"},
		{0, s.bot, "not for you"},
		{1003, s.human, `"proposals":[`},
		{4711, s.human, "User 4711 is nobody"},
		{0, s.human, `"proposals":[`},
	} {
		conn, err := real.DialAs(c.uid, c.socket)
		s.ok(err)
		_, err = fmt.Fprintf(conn, "POST /v1/proposals HTTP/1.0\r\nHost: agent\r\nX-Uid: 0\r\nContent-Length: 11\r\n\r\n{\"stamp\":0}")
		s.ok(err)
		var b strings.Builder
		if _, err := io.Copy(&b, conn); err != nil {
			t.Errorf("user %d: %v", c.uid, err)
		}
		_ = conn.Close()
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("user %d at %s: %.300s", c.uid, c.socket, b.String())
		}
	}
	s.ok(os.Chmod(s.bot, 0o600))
	if _, err := real.DialAs(1003, s.bot); err == nil {
		t.Error("another user connects to the bot's socket")
	}
}
