package alertmanager

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A signed body that is too large is still summed up to this many times the
// limit, without being kept: only then do we know that its sender is one whose
// loss people must hear of.
const signedExcess = 4

// strangersAtOnce is how many bodies are read at the same time of senders that
// only their signature will make known: each may be as large as a known one's.
const strangersAtOnce = 4

// read finds out who sends and reads the body. Whoever shows a valid
// Authorization header is known before anything is read; a signature needs the
// whole body, so until it is checked the body is read from a stranger: nothing
// is allocated that has not arrived, and no refusal is announced but that of the
// credentials themselves.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	lock := *h.lock.Load()
	known := lock.byHeader(r.Header)
	var signatures []signature
	if !known {
		if signatures = lock.signatures(r.Header); len(signatures) == 0 {
			return nil, unauthorized(r.Header.Get("Authorization") != "")
		}
		select {
		case h.strangers <- struct{}{}:
			defer func() { <-h.strangers }()
		default:
			return nil, &refusal{status: http.StatusServiceUnavailable, result: ResultUnavailable, text: "Too many bodies are being read; send it again.",
				detail: "too many signed bodies at once"}
		}
	}
	if known && r.ContentLength > h.o.MaxBody {
		return nil, h.tooLarge()
	}

	limit := h.o.MaxBody
	if !known {
		limit *= signedExcess
	}
	buf, err := h.readAll(w, r, limit, signatures, known)
	over := int64(buf.Len()) > h.o.MaxBody
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut {
		over = true
		if !known { // it cannot be summed to its end
			no := h.tooLarge()
			no.reason = ""
			return nil, no
		}
	} else if err != nil {
		return nil, &refusal{
			status: http.StatusServiceUnavailable, result: ResultUnread,
			text: "The body did not arrive; send it again.", detail: err.Error(),
		}
	}
	for _, s := range signatures {
		known = s.valid() || known
	}
	switch {
	case !known:
		return nil, unauthorized(true)
	case over:
		return nil, h.tooLarge()
	}
	return buf.Bytes(), nil
}

// readAll reads up to limit bytes, in bounded time, and sums them for each
// signature. It keeps one byte more than MaxBody at most.
func (h *Handler) readAll(w http.ResponseWriter, r *http.Request, limit int64, signatures []signature, known bool) (*bytes.Buffer, error) {
	control := http.NewResponseController(w)
	// A recorder or another transport has no deadlines to set; the real server
	// has.
	err := control.SetReadDeadline(time.Now().Add(h.o.ReadTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &bytes.Buffer{}, err
	}
	kept := &bytes.Buffer{}
	if known && r.ContentLength > 0 {
		kept.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, limit))
	for _, s := range signatures {
		body = io.TeeReader(body, s.sum)
	}
	if _, err := io.Copy(kept, io.LimitReader(body, h.o.MaxBody+1)); err != nil {
		return kept, err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return kept, err
	}
	// The deadline must not outlive a body that was read: the server goes on
	// reading in the background to see whether the client leaves. After a failure
	// it must stay, for the server then reads on to find the next request.
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return kept, err
	}
	return kept, nil
}

// unauthorized turns a stranger away. One that shows credentials may be an
// Alertmanager whose secret was changed on one side only: its alerts are being
// lost, so people are told. One that shows none is told of to nobody.
func unauthorized(shown bool) *refusal {
	no := &refusal{
		status: http.StatusUnauthorized, result: ResultUnauthorized,
		text: "Valid credentials are required.",
	}
	if shown {
		no.reason = "the sender shows credentials, and they are not this webhook's; if it is your Alertmanager, its secret and the bot's differ"
	}
	return no
}

func (h *Handler) tooLarge() *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, result: ResultTooLarge,
		text: "The body is too large.",
		reason: fmt.Sprintf("the delivery was larger than %s; set max_alerts or group by more labels in Alertmanager",
			size(h.o.MaxBody)),
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
