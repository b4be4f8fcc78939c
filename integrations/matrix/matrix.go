package matrix

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"watchstander/bot"
)

// Options say which account speaks in which rooms.
type Options struct {
	// Chat is the chat's name in the configuration; it is also the batches'
	// Source, the key of the cursor.
	Chat bot.ChatID
	// Homeserver is the base address of the client API: "https://matrix.example.org".
	Homeserver string
	// User is the bot's own full id: "@watchstander:example.org".
	User bot.UserID
	// Token is the access token; surrounding white space, as files have it, is
	// ignored. It appears in no error and in no log.
	Token string
	// Rooms gives each of the bot's room names the platform's id ("!…"). Events
	// and invitations of other rooms are not obeyed.
	Rooms map[bot.RoomID]string
	// Cursor is the last committed batch's; "" begins with what happens from
	// now on.
	Cursor string

	// Pace of posts; 0 means no limit. Synapse as it is installed lets a user
	// post 0.2 messages a second, and 10 at once after a rest.
	RoomPerSecond float64
	RoomBurst     int
	ChatPerSecond float64
	ChatBurst     int

	// Loud are the tones whose roots are posted as m.text instead of m.notice:
	// by the standard push rules m.notice rings nobody's phone, mentions
	// included. Other bots might obey an m.text, so the list is empty unless
	// the configuration says otherwise.
	Loud []bot.Tone

	// Offers: put reactions of our own under an alert's root, for people to tap on.
	Offers bool

	// Codes tells Check whether people may have to type time-based codes in the
	// rooms: messages with one are to be deleted.
	Codes Codes

	// Transport replaces the one over gomatrix; Homeserver, Token and
	// RoundTripper are then not used.
	Transport Transport
	// RoundTripper is the HTTP client's lower half; nil gives one of our own.
	RoundTripper http.RoundTripper
	// Log is where troubles are told; nil is silence.
	Log *slog.Logger
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Codes tells whether people type time-based codes.
type Codes string

const (
	CodesNever   Codes = ""
	CodesPerhaps Codes = "perhaps" // who knows what the agents' policies want
	CodesWanted  Codes = "wanted"
)

// Chat is one account on one homeserver. Its methods may be called
// concurrently, but for Run, which runs once at a time.
type Chat struct {
	chat      bot.ChatID
	user      string
	localpart string
	rooms     map[bot.RoomID]string
	names     map[string]bot.RoomID // the other way round
	caps      bot.Caps
	loud      []bot.Tone
	codes     Codes
	transport Transport
	log       *slog.Logger
	now       func() time.Time

	running atomic.Bool
	place   place // of the last batch that was taken; Run's own
	looked  bool  // whether the rooms' states have been told since something may have changed them unheard; Run's own

	display atomic.Pointer[string] // our display name, "" until it is known
	gone    gone
	counts  counters
	heard   atomic.Int64 // milliseconds of the last sync that was taken
}

var (
	_ bot.Chat   = (*Chat)(nil)
	_ bot.Eraser = (*Chat)(nil)
)

// New checks the options; its error names every fault in them at once. Nothing
// is asked of the homeserver yet.
func New(o Options) (*Chat, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, bot.Errorf(bot.CodeInvalid, format, args...))
	}
	if o.Chat == "" {
		fault("The Matrix chat has no name.")
	}
	local, server, ok := strings.Cut(strings.TrimPrefix(string(o.User), "@"), ":")
	if !ok || !strings.HasPrefix(string(o.User), "@") || local == "" || server == "" {
		fault("%q is not a full Matrix user id: write it as @name:server.", o.User)
	}
	if len(o.Rooms) == 0 {
		fault("The Matrix chat %q has no rooms.", o.Chat)
	}
	names := make(map[string]bot.RoomID, len(o.Rooms))
	for name, id := range o.Rooms {
		switch other, taken := names[id]; {
		case !strings.HasPrefix(id, "!") || len(id) < 2 || strings.ContainsAny(id, " \t\r\n"):
			fault("Room %q: %q is not a room id. Ids begin with \"!\"; the room's settings show it (an alias with \"#\" can be moved elsewhere by others).", name, id)
		case taken:
			fault("Rooms %q and %q are the same Matrix room.", min(name, other), max(name, other))
		default:
			names[id] = name
		}
	}
	c := &Chat{
		chat: o.Chat, user: string(o.User), localpart: local,
		rooms: maps.Clone(o.Rooms), names: names, loud: slices.Clone(o.Loud), codes: o.Codes,
		caps: bot.Caps{
			RoomPerSecond: o.RoomPerSecond, RoomBurst: o.RoomBurst,
			ChatPerSecond: o.ChatPerSecond, ChatBurst: o.ChatBurst,
			Threads: true, Edits: true, Offers: o.Offers,
		},
		transport: o.Transport, log: o.Log, now: o.Now,
		place: parsePlace(o.Cursor),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("chat", string(o.Chat))
	if c.now == nil {
		c.now = time.Now
	}
	if c.transport == nil {
		if err := checkAddress(o.Homeserver); err != nil {
			faults = append(faults, err)
		}
		token := strings.TrimSpace(o.Token)
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			fault("The access token of %s is empty, or is not one line of plain characters.", o.User)
		}
		c.transport = newWire(o.Homeserver, string(o.User), token, o.RoundTripper)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

// checkAddress wants a plain http or https address. One that carries a
// password is refused, since addresses show up in errors and logs; the refusal
// does not repeat it either.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return bot.Errorf(bot.CodeInvalid, "The homeserver's address is not of the form https://matrix.example.org.")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bot.Errorf(bot.CodeInvalid, "The homeserver's address holds more than a host and a path.")
	}
	return nil
}

// Caps are the account's pace and Matrix' abilities: threads and edits, but
// reactions instead of buttons.
func (c *Chat) Caps() bot.Caps { return c.caps }

// Close lets go of idle connections; it is for after Run and the last Send.
func (c *Chat) Close() { c.transport.Close() }

// LastHeard is when a sync last went all the way into the state; bot.Pulse.
func (c *Chat) LastHeard() time.Time {
	if ms := c.heard.Load(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// Stats counts what was not obeyed, since the start.
type Stats struct {
	// ForeignEvents happened in rooms that are not configured.
	ForeignEvents int64
	// Undecodable events, encrypted ones among them.
	Undecodable int64
	// Rejected invitations.
	Rejected int64
	// Gaps in timelines that were paged back, and Lost those of them that were
	// too long.
	Gaps, Lost int64
	// FailedSyncs counts the long polls that failed.
	FailedSyncs int64
}

type counters struct{ foreign, undecodable, rejected, gaps, lost, failed atomic.Int64 }

// Stats are the counters now.
func (c *Chat) Stats() Stats {
	return Stats{
		ForeignEvents: c.counts.foreign.Load(),
		Undecodable:   c.counts.undecodable.Load(),
		Rejected:      c.counts.rejected.Load(),
		Gaps:          c.counts.gaps.Load(),
		Lost:          c.counts.lost.Load(),
		FailedSyncs:   c.counts.failed.Load(),
	}
}

// room gives the platform's id of a configured room.
func (c *Chat) room(name bot.RoomID) (string, error) {
	id, ok := c.rooms[name]
	if !ok {
		return "", fmt.Errorf("matrix: no room %q is configured in chat %q", name, c.chat)
	}
	return id, nil
}

// gone remembers the newest redacted events, so that nothing is posted below a
// root in the short time between the news of its end and flow's answer to it.
type gone struct {
	mu    sync.Mutex
	ids   map[bot.MessageID]bool
	order []bot.MessageID
}

const maxGone = 1000

func (g *gone) add(id bot.MessageID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ids[id] {
		return
	}
	if g.ids == nil {
		g.ids = map[bot.MessageID]bool{}
	}
	g.ids[id] = true
	g.order = append(g.order, id)
	if len(g.order) > maxGone {
		delete(g.ids, g.order[0])
		g.order = g.order[1:]
	}
}

func (g *gone) has(id bot.MessageID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ids[id]
}
