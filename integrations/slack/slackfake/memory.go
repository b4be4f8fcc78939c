package slackfake

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// memoryHost is the host that the fake has where it listens in memory alone.
const memoryHost = "slack.fake"

// memory is a listener without a network: each dial makes a pipe. All waiting in it is
// on channels, so that a bubble of testing/synctest sees it as idle.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory {
	return &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return memoryAddr{} }

func (m *memory) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Addr: memoryAddr{}, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return memoryHost }

// dial reaches the fake, unless it is cut off ([Fake.Unreachable]).
func (f *Fake) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	f.mu.Lock()
	off := f.unreachable
	f.mu.Unlock()
	if off {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: memoryAddr{}, Err: errRefused}
	}
	return f.memory.dial(ctx, network, addr)
}

// Transport is a client's way to the fake without a network: real HTTP over pipes, so
// that traces, time-outs and broken connections are real too. Each call gives another
// one; the caller closes its idle connections, or ends the fake first.
func (f *Fake) Transport() *http.Transport {
	return &http.Transport{DialContext: f.dial, MaxIdleConnsPerHost: 20}
}

// Dialer is the same for Socket Mode; give it to socketmode.OptionDialer.
func (f *Fake) Dialer() *websocket.Dialer {
	return &websocket.Dialer{NetDialContext: f.dial, WriteBufferSize: 32 << 10}
}
