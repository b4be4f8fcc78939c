package console

import (
	"context"
	"net"
	"sync"
	"time"
)

// Bounds on what waits for one client. A client that falls behind further is
// dropped: the transcript has all, and it may attach again.
const (
	maxWaiting      = 1000
	maxWaitingBytes = 8 << 20
	// lastWords is how long a client gets to take what is left for it.
	lastWords = 2 * time.Second
)

// outbox is what waits to be written to one client. Putting never waits.
type outbox struct {
	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	drained chan struct{} // non-nil while somebody waits; closed when nothing is left
	wake    chan struct{} // one slot
	ended   bool
	expire  func(time.Time) error // the connection's write deadline
}

func newOutbox(conn net.Conn) *outbox {
	return &outbox{wake: make(chan struct{}, 1), expire: conn.SetWriteDeadline}
}

// put adds lines; false when the client is too far behind. An answer that was
// asked for may be long and is taken whole: no other is given before it is
// drained.
func (o *outbox) put(asked bool, lines ...[]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return true // nobody reads any more; that is known already
	}
	if !asked && (len(o.waiting) >= maxWaiting || o.bytes >= maxWaitingBytes) {
		return false
	}
	for _, b := range lines {
		o.waiting = append(o.waiting, b)
		o.bytes += len(b) + 1
	}
	o.nudge()
	return true
}

// finish says goodbye behind what waits, and ends the connection soon. again
// tells that it may help to attach again.
func (o *outbox) finish(why string, again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end(why, again)
}

// drop says goodbye instead of what waits. The client may attach again.
func (o *outbox) drop(why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		o.waiting, o.bytes = nil, 0
	}
	o.end(why, true)
}

func (o *outbox) end(why string, again bool) {
	if o.ended {
		return
	}
	o.ended = true
	if why != "" {
		o.waiting = append(o.waiting, line(toClient{Bye: &why, Again: again}))
	}
	_ = o.expire(time.Now().Add(lastWords)) // a connection without deadlines is closed already
	o.nudge()
}

func (o *outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// over tells that the goodbye has been said, so that nothing is added any more.
func (o *outbox) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}

// write writes until the end, or until nobody takes it any more.
func (o *outbox) write(conn net.Conn) {
	var buf []byte
	for {
		b, more := o.take()
		if b == nil {
			if !more {
				return
			}
			<-o.wake
			continue
		}
		buf = append(append(buf[:0], b...), '\n')
		if _, err := conn.Write(buf); err != nil {
			o.mu.Lock()
			o.ended, o.waiting = true, nil
			o.release()
			o.mu.Unlock()
			return
		}
	}
}

// take gives the next line, nil when there is none now; more tells whether any
// may come.
func (o *outbox) take() (b []byte, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		o.release()
		return nil, !o.ended
	}
	b = o.waiting[0]
	o.waiting[0] = nil
	o.waiting = o.waiting[1:]
	o.bytes -= len(b) + 1
	return b, true
}

func (o *outbox) release() {
	if o.drained != nil {
		close(o.drained)
		o.drained = nil
	}
}

// empty waits until all that waited has been written, or nobody reads any more.
func (o *outbox) empty(ctx context.Context) {
	o.mu.Lock()
	if o.ended || len(o.waiting) == 0 {
		o.mu.Unlock()
		return
	}
	if o.drained == nil {
		o.drained = make(chan struct{})
	}
	drained := o.drained
	o.mu.Unlock()
	select {
	case <-drained:
	case <-ctx.Done():
	}
}
