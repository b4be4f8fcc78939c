package slackfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Socket Mode (documented: "Using Socket Mode", apps.connections.open).

const (
	maxSockets = 10 // documented
	// maxResponse: what an app sends is dropped from 20 KB on (measured by slack-go).
	maxResponse = 20 << 10
	ticketLife  = 30 * time.Second // "temporary", documented without a time
	// warning is how long before its end a connection is told (documented: about 10 s).
	warning = 10 * time.Second
)

// socket is one connection.
type socket struct {
	f     *Fake
	ws    *websocket.Conn
	queue [][]byte // guarded by the fake's lock, as gone and mute are
	gone  bool
	mute  bool
	last  bool // the queue ends the connection
	wake  chan struct{}
	end   chan struct{}
	once  sync.Once
}

func (f *Fake) connectionsOpen(c *call) *failure {
	if f.o.RequestURL != "" {
		return fail("forbidden_team") // Socket Mode is off
	}
	ticket := f.secret()
	f.tickets[ticket] = c.at.Add(ticketLife)
	c.took = true
	c.out["url"] = "ws://" + f.host + "/link/?ticket=" + ticket + "&app_id=" + f.o.AppID
	return nil
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// serveSocket is one connection's life. Its address is good once.
func (f *Fake) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	f.mu.Lock()
	until, ok := f.tickets[ticket]
	delete(f.tickets, ticket)
	ok = ok && f.now().Before(until) && f.appError == ""
	f.mu.Unlock()
	if !ok {
		http.Error(w, "the ticket is not valid", http.StatusForbidden)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := &socket{f: f, ws: ws, wake: make(chan struct{}, 1), end: make(chan struct{})}
	defer s.cut()
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	if len(f.sockets) >= maxSockets {
		// Measured: slackapi/node-slack-sdk#1654.
		s.last = true
		s.send(object{"type": "disconnect", "reason": "too_many_websockets", "num_connections": len(f.sockets) + 1, "debug_info": f.debugInfo()})
	} else {
		f.sockets = append(f.sockets, s)
		s.send(object{"type": "hello", "num_connections": len(f.sockets), "connection_info": object{"app_id": f.o.AppID}, "debug_info": f.debugInfo()})
	}
	f.spawn(s.write)
	f.mu.Unlock()
	s.read()
}

func (f *Fake) debugInfo() object {
	return object{"host": "applink-fake", "build_number": 1, "approximate_connection_time": int(f.o.ConnectionLife / time.Second)}
}

// send puts a frame into the queue. The caller holds the lock.
func (s *socket) send(o object) {
	b, _ := json.Marshal(o)
	s.queue = append(s.queue, b)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the only one to write to the connection.
func (s *socket) write() {
	defer s.cut()
	ping := time.NewTicker(s.f.o.PingEvery)
	defer ping.Stop()
	var warn, refresh <-chan time.Time
	if life := s.f.o.ConnectionLife; life > 0 {
		t := time.NewTimer(max(0, life-warning))
		defer t.Stop()
		warn = t.C
		t = time.NewTimer(life)
		defer t.Stop()
		refresh = t.C
	}
	for {
		select {
		case <-s.end:
			return
		case <-warn:
			s.f.mu.Lock()
			s.disconnect("warning", false)
			s.f.mu.Unlock()
		case <-refresh:
			s.f.mu.Lock()
			s.disconnect("refresh_requested", true)
			s.f.mu.Unlock()
		case <-ping.C:
			if !s.muted() && s.ws.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(10*time.Second)) != nil {
				return
			}
		case <-s.wake:
			if !s.drain() {
				return
			}
		}
	}
}

func (s *socket) muted() bool {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	return s.mute
}

// drain writes what is in the queue; false means that the connection is over.
func (s *socket) drain() bool {
	for {
		s.f.mu.Lock()
		if len(s.queue) == 0 || s.mute {
			last := s.last && !s.mute
			s.f.mu.Unlock()
			if last {
				_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
			}
			return !last
		}
		b := s.queue[0]
		s.queue = s.queue[1:]
		s.f.mu.Unlock()
		_ = s.ws.SetWriteDeadline(time.Now().Add(30 * time.Second))
		if s.ws.WriteMessage(websocket.TextMessage, b) != nil {
			return false
		}
	}
}

// read takes acknowledgements until the connection ends.
func (s *socket) read() {
	for {
		kind, b, err := s.ws.ReadMessage()
		if err != nil {
			return
		}
		var got struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if kind != websocket.TextMessage || len(b) >= maxResponse || json.Unmarshal(b, &got) != nil || got.EnvelopeID == "" {
			continue
		}
		s.f.mu.Lock()
		if !s.mute {
			s.f.ack(s, got.EnvelopeID, got.Payload)
		}
		s.f.mu.Unlock()
	}
}

// cut ends the connection at once.
func (s *socket) cut() {
	s.once.Do(func() {
		s.f.mu.Lock()
		s.gone = true
		s.f.sockets = slices.DeleteFunc(s.f.sockets, func(o *socket) bool { return o == s })
		s.f.mu.Unlock()
		close(s.end)
		_ = s.ws.Close()
	})
}

// disconnect tells the app that the connection ends, and ends it where end is set. The
// caller holds the lock.
func (s *socket) disconnect(reason string, end bool) {
	s.last = s.last || end
	s.send(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "applink-fake"}})
}

// turn is the connection that gets the next envelope: any of them (documented), here one
// after the other.
func (f *Fake) turn() *socket {
	var all []*socket
	for _, s := range f.sockets {
		if !s.last && !s.gone {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil
	}
	f.nextSocket++
	return all[f.nextSocket%len(all)]
}

// Connections is the number of Socket Mode connections that stand.
func (f *Fake) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sockets)
}

// some are the n oldest connections, all of them when n is 0.
func (f *Fake) some(n int) []*socket {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n <= 0 || n > len(f.sockets) {
		n = len(f.sockets)
	}
	return slices.Clone(f.sockets[:n])
}

// Disconnect ends the n oldest connections in good order with a reason of Slack's
// ("warning", which ends nothing yet, "refresh_requested", "link_disabled"); 0 means all.
func (f *Fake) Disconnect(n int, reason string) {
	for _, s := range f.some(n) {
		f.mu.Lock()
		s.disconnect(reason, reason != "warning")
		f.mu.Unlock()
	}
}

// Cut breaks the n oldest connections without a word; 0 means all. What was not yet
// acknowledged over them is not.
func (f *Fake) Cut(n int) {
	for _, s := range f.some(n) {
		s.cut()
	}
}

// Mute has the n oldest connections stay open and silent: no ping, no envelope gets
// through, and no acknowledgement counts. 0 means all.
func (f *Fake) Mute(n int) {
	for _, s := range f.some(n) {
		f.mu.Lock()
		s.mute = true
		f.mu.Unlock()
	}
}
