package real

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Eventually asks check again and again until it returns nil, and ends the
// test when it has not within the given time. what completes the sentence "…
// did not happen within …". check may end the test itself.
func Eventually(t testing.TB, within time.Duration, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := Poll(ctx, check); err != nil {
		t.Fatalf("%s: did not happen within %s: %v", what, within, err)
	}
}

// Poll asks check until it returns nil or ctx ends; then it returns what check
// said last. It may be used on any goroutine.
func Poll(ctx context.Context, check func() error) error {
	pause := 5 * time.Millisecond
	for {
		err := check()
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the last look said: %w", err)
		case <-timer.C:
		}
		pause = min(pause*3/2, 200*time.Millisecond)
	}
}

// Ports are taken from below the range that systems give to outgoing
// connections, so that a part which is stopped for a while finds its port free
// when it comes back.
const (
	firstPort = 20000
	lastPort  = 29999
)

var ports = struct {
	sync.Mutex
	given map[int]bool
}{given: map[int]bool{}}

// FreeAddr returns a loopback address, "127.0.0.1:port", on which nothing
// listens (neither TCP nor UDP) and which this test program has not yet given
// to anybody.
func FreeAddr(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	var last error
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if ports.given[port] {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if last = unused(addr); last == nil {
			ports.given[port] = true
			return addr
		}
	}
	t.Fatalf("no free port between %d and %d: end whatever holds them: %v", firstPort, lastPort, last)
	return ""
}

func unused(addr string) error {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return errors.Join(err, tcp.Close())
	}
	return errors.Join(tcp.Close(), udp.Close())
}
