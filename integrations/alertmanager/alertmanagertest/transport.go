package alertmanagertest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"time"
)

// Transport carries a client's requests to simulated Alertmanagers, found by the
// host in their URL, without a socket: the handler runs on the caller's
// goroutine. Requests elsewhere meet a host that does not exist.
func Transport(ams ...*Alertmanager) http.RoundTripper {
	t := transport{}
	for _, am := range ams {
		r := httptest.NewRequest(http.MethodGet, am.o.ExternalURL, nil)
		t[r.Host] = am
	}
	return t
}

type transport map[string]*Alertmanager

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	am := t[r.URL.Host]
	if am == nil {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
	}
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // as every RoundTripper must
	}
	am.mu.Lock()
	refused := !am.running || am.knobs.unreachable
	slow, status, lost := am.knobs.slow, am.knobs.answerWith, am.knobs.loseAnswers > 0
	if lost && !refused {
		am.knobs.loseAnswers--
	}
	am.mu.Unlock()
	if refused {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if status != 0 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
	} else {
		request := r.Clone(r.Context()) // a server sees its own request
		request.RequestURI = r.URL.RequestURI()
		if request.Body == nil {
			request.Body = http.NoBody
		}
		if err := serve(am, w, request); err != nil {
			return nil, errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	if lost {
		return nil, io.ErrUnexpectedEOF
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}
