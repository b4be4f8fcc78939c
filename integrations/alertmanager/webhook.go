package alertmanager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"watchstander/bot"
)

// What [HandlerOptions.Observe] hears, once for each request.
const (
	ResultStored       = "stored"       // 200
	ResultMethod       = "method"       // 405
	ResultUnauthorized = "unauthorized" // 401
	ResultReceiver     = "receiver"     // 403: not a receiver of this endpoint
	ResultTooLarge     = "too_large"    // 413
	ResultEncoding     = "encoding"     // 415: compressed
	ResultInvalid      = "invalid"      // 400
	ResultUnread       = "unread"       // 503: the body did not arrive
	ResultUnavailable  = "unavailable"  // 503: not stored
)

// HandlerOptions describe one webhook endpoint. Zero values give what is said
// at each.
type HandlerOptions struct {
	// Endpoint is its configured name: letters (a-z), digits, ".", "-" and "_",
	// beginning with a letter or digit, as the configuration has it.
	Endpoint string
	// Credentials open it, any one of them. With none, every request is refused.
	Credentials []Credential
	// Receivers are the only ones whose notifications it takes, by their exact
	// names in Alertmanager's configuration. Empty: any.
	Receivers []string
	// MaxBody is the size of the largest body taken, in bytes; 32 MiB.
	MaxBody int64
	// ReadTimeout bounds the reading of a body; 10 s.
	ReadTimeout time.Duration
	// CommitTimeout bounds the sink; 5 s.
	CommitTimeout time.Duration
	// Sink stores what arrives. It should return when its context ends; when it
	// does not, the request is answered anyhow, and [Handler.Close] waits for it.
	Sink bot.Sink
	// Observe counts, with one of the Result constants. May be nil.
	Observe func(result string)
	// Log gets what went wrong; nil: slog.Default.
	Log *slog.Logger
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Handler is one webhook endpoint: see [NewHandler].
type Handler struct {
	o     HandlerOptions
	lock  atomic.Pointer[lock]
	say   announcer
	pace  logPace
	slots chan struct{} // bounds how many bodies are decoded at once
	// strangers bounds the bodies that are read of senders not yet known.
	strangers chan struct{}

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	mu      sync.Mutex
	closed  bool
	commits sync.WaitGroup
}

// decodersAtOnce bounds memory: a decoded body takes several times its size.
const decodersAtOnce = 4

// NewHandler makes the handler of POST /webhook/<endpoint>. It answers
//
//   - 200 when the sink has committed the delivery, and never before;
//   - 401 without valid credentials (the same words whatever is wrong);
//   - 405, 413 (too large), 415 (compressed), 400 (see [Decode]) and 403
//     (a receiver that is not this endpoint's): for good, and so told to people
//     by a [bot.Refused] to the same sink; so is a 401 for wrong credentials. A
//     sender without any, or with the wrong method, which anybody can be, is
//     counted and logged;
//   - 503 with Retry-After when the body did not arrive in time, when too many
//     signed bodies are being read at once, when the sink failed or took too
//     long, or when a refusal could not be announced.
//
// [Handler.Close] must be called when its server has shut down.
func NewHandler(o HandlerOptions) (*Handler, error) {
	o.MaxBody = cmp.Or(o.MaxBody, 32<<20)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 10*time.Second)
	o.CommitTimeout = cmp.Or(o.CommitTimeout, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = o.Log.With("endpoint", o.Endpoint)
	if o.Observe == nil {
		o.Observe = func(string) {}
	}
	o.Receivers, o.Credentials = slices.Clone(o.Receivers), slices.Clone(o.Credentials)

	var faults []error
	if o.Endpoint == "" || strings.Trim(o.Endpoint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != "" || strings.ContainsAny(o.Endpoint[:1], ".-_") {
		faults = append(faults, fmt.Errorf("webhook endpoint %q: its name may hold only letters (a-z), digits, '.', '-' and '_', and begins with a letter or digit", o.Endpoint))
	}
	if o.Sink == nil {
		faults = append(faults, fmt.Errorf("webhook endpoint %q has no sink", o.Endpoint))
	}
	if err := errors.Join(append(faults, lock(o.Credentials).faults(o.Endpoint)...)...); err != nil {
		return nil, err
	}
	if len(o.Credentials) == 0 {
		o.Log.Error("the webhook endpoint has no credentials and refuses every request")
	}

	h := &Handler{o: o, slots: make(chan struct{}, decodersAtOnce), strangers: make(chan struct{}, strangersAtOnce)}
	h.lock.Store((*lock)(&o.Credentials))
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.pace = logPace{every: time.Minute, last: map[string]time.Time{}, held: map[string]int{}}
	h.say = announcer{
		every:   time.Minute,
		now:     o.Now,
		tallies: map[string]*tally{},
		say:     func(r bot.Refused) error { return h.commit(r) },
		lost: func(result string, n int, err error) {
			o.Log.Error("refused deliveries were not announced", "result", result, "count", n, "err", err)
		},
	}
	return h, nil
}

// Path is where the handler belongs; mount it for all methods, the wrong ones
// are answered 405.
func (h *Handler) Path() string { return "/webhook/" + h.o.Endpoint }

// Admit puts credentials in the place of the old ones, which from then on open
// nothing. With faulty ones, or none, the old ones stay.
func (h *Handler) Admit(credentials ...Credential) error {
	l := lock(slices.Clone(credentials))
	if len(l) == 0 {
		return fmt.Errorf("webhook endpoint %q would have no credentials", h.o.Endpoint)
	}
	if err := errors.Join(l.faults(h.o.Endpoint)...); err != nil {
		return err
	}
	h.lock.Store(&l)
	return nil
}

// Close ends what the handler has under way and waits for it. Requests that
// come later are answered 503.
func (h *Handler) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.say.close()
	h.commits.Wait()
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	no := h.serve(w, r)
	if no == nil {
		h.o.Observe(ResultStored)
		w.WriteHeader(http.StatusOK)
		return
	}
	if no.reason != "" {
		if err := h.say.refuse(h.o.Endpoint, *no); err != nil {
			no = unavailable(fmt.Errorf("a refusal (%s) could not be announced: %w", no.result, err))
		}
	}
	h.o.Observe(no.result)
	h.log(r, no)
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	switch no.status {
	case http.StatusUnauthorized:
		// Otherwise the server would wait for the stranger's body first.
		header.Set("Connection", "close")
		for _, c := range h.challenges() {
			header.Add("WWW-Authenticate", c)
		}
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", "5")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write([]byte(no.text + "\n")) // who does not hear it repeats it
}

func (h *Handler) challenges() []string {
	var out []string
	for _, c := range *h.lock.Load() {
		out = append(out, c.challenge())
	}
	slices.Sort(out)
	if out = slices.Compact(out); len(out) == 0 {
		return []string{Credential{}.challenge()}
	}
	return out
}

// serve takes one request; nil means that it is stored.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) *refusal {
	at := h.o.Now()
	if r.Method != http.MethodPost {
		return &refusal{status: http.StatusMethodNotAllowed, result: ResultMethod, text: "Only POST is served here."}
	}
	body, no := h.read(w, r)
	if no != nil {
		return no
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &refusal{
			status: http.StatusUnsupportedMediaType, result: ResultEncoding,
			text:   "The body is compressed; send it as it is.",
			reason: "the delivery was compressed, which is not served; switch it off in the proxy before the bot",
			detail: "Content-Encoding " + e,
		}
	}
	select {
	case h.slots <- struct{}{}:
	case <-h.ctx.Done():
		return unavailable(errClosed)
	}
	group, err := Decode(body)
	<-h.slots
	if err != nil {
		return &refusal{
			status: http.StatusBadRequest, result: ResultInvalid, text: bot.ForPeople(err),
			reason: "the delivery is not what Alertmanager sends: " + bot.ForPeople(err),
			detail: err.Error(),
		}
	}
	if len(h.o.Receivers) > 0 && !slices.Contains(h.o.Receivers, group.Receiver) {
		return &refusal{
			status: http.StatusForbidden, result: ResultReceiver,
			text:   "This endpoint does not serve that receiver.",
			reason: "the delivery is for a receiver that this endpoint is not configured for",
			detail: fmt.Sprintf("receiver %.200q", group.Receiver),
		}
	}
	if err := h.commit(bot.Delivery{Endpoint: h.o.Endpoint, Group: group, At: at.UTC()}); err != nil {
		return unavailable(err)
	}
	return nil
}

func unavailable(cause error) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, result: ResultUnavailable,
		text: "Not stored; send it again.", detail: cause.Error(),
	}
}

// log writes what was refused, one line a minute for each result: a sender that
// repeats itself, or a stranger, must not fill the log.
func (h *Handler) log(r *http.Request, no *refusal) {
	attrs := []any{"result", no.result, "status", no.status, "remote", r.RemoteAddr}
	if no.detail != "" {
		attrs = append(attrs, "err", no.detail)
	}
	kept, ok := h.pace.pass(no.result, h.o.Now())
	if !ok {
		return
	}
	if kept > 0 {
		attrs = append(attrs, "unlogged_before", kept)
	}
	h.o.Log.Warn("webhook request refused", attrs...)
}
