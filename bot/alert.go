package bot

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Labels are an alert's labels or annotations. Names and values may hold any
// UTF-8.
type Labels map[string]string

// Canonical is the labels' one form (JSON, sorted names): equal labels give
// equal bytes, and no two different sets do.
func (l Labels) Canonical() string {
	if l == nil {
		l = Labels{}
	}
	b, _ := json.Marshal(map[string]string(l)) // strings always marshal; map keys come sorted
	return string(b)
}

// Names are the label names, sorted.
func (l Labels) Names() []string { return slices.Sorted(maps.Keys(l)) }

// Group is what one webhook tells: the alerts of one group at one receiver.
type Group struct {
	Receiver    string
	GroupKey    string // a hint only: it changes when routes are edited
	Labels      Labels // groupLabels
	ExternalURL string // of the peer that sent it; never part of a key
	Truncated   int    // alerts that Alertmanager left out (max_alerts)
	Alerts      []Alert
}

// Alert is one alert as Alertmanager tells it.
type Alert struct {
	Fingerprint  string
	Labels       Labels
	Annotations  Labels
	StartsAt     time.Time
	EndsAt       time.Time // zero while it fires
	Resolved     bool
	GeneratorURL string
}

// PolledGroup is a group in Alertmanager's API.
type PolledGroup struct {
	Receiver string
	Labels   Labels
	Alerts   []PolledAlert
}

// PolledAlert is an alert in Alertmanager's API, which lists only those that
// fire.
type PolledAlert struct {
	Alert
	SilencedBy  []string // ids
	InhibitedBy []string // fingerprints
	MutedBy     []string // time intervals
}

// Episode is one firing of one alert in one thread, from its start to its end.
type Episode struct {
	ID EpisodeID
	// Number is what people call the alert in its thread: #3.
	Number      int
	Thread      ThreadID
	Fingerprint string
	Labels      Labels
	Annotations Labels
	Severity    Severity
	StartsAt    time.Time
	// EndsAt is when it was over; zero while it fires.
	EndsAt   time.Time
	Resolved bool
	// Ended tells how we know that it is over.
	Ended EndedBy
	// Doubt: what was told last contradicts what was told before, and
	// Alertmanager has been asked.
	Doubt        bool
	GeneratorURL string
	SilencedBy   []string
	InhibitedBy  []string
	MutedBy      []string
	// SilencedFor is how long it was silenced or muted in spans that are over, as polls
	// told; SilencedSince when the one that lasts began, zero when none does.
	SilencedFor   time.Duration
	SilencedSince time.Time
	// Absent counts the polls in a row that did not list it.
	Absent int
	// FirstAt is when we first heard of it, ChangedAt when what we say of it
	// last changed.
	FirstAt   time.Time
	ChangedAt time.Time
	// Mark is the state's change counter when the row was last written.
	Mark int64
}

// EndedBy tells how an episode's end is known.
type EndedBy string

const (
	EndedByNotice    EndedBy = "notice"    // Alertmanager sent "resolved"
	EndedByAbsence   EndedBy = "absence"   // two polls of a settled Alertmanager did not list it
	EndedBySuccessor EndedBy = "successor" // it fired again with a later start
	EndedByMove      EndedBy = "move"      // it goes on in another group: the routes were edited
)

// Since is when it began to fire, as people are told: a sender whose clock is
// ahead names a time that has not come.
func (e Episode) Since() time.Time {
	if !e.FirstAt.IsZero() && e.StartsAt.After(e.FirstAt) {
		return e.FirstAt
	}
	return e.StartsAt
}

// Suppressed tells whether Alertmanager holds its notices back.
func (e Episode) Suppressed() bool {
	return len(e.SilencedBy)+len(e.InhibitedBy)+len(e.MutedBy) > 0
}

// Silenced tells whether a silence or a mute interval holds its notices back; an
// inhibition is neither.
func (e Episode) Silenced() bool { return len(e.SilencedBy)+len(e.MutedBy) > 0 }

// SilencedUntil is how long it was silenced or muted up to a time.
func (e Episode) SilencedUntil(t time.Time) time.Duration {
	if e.SilencedSince.IsZero() {
		return e.SilencedFor
	}
	return e.SilencedFor + max(0, t.Sub(e.SilencedSince))
}

// Name is the alertname, or what stands for it.
func (e Episode) Name() string { return AlertName(e.Labels) }

// AlertName is the "alertname" label; alerts without one are told by all their
// labels.
func AlertName(l Labels) string {
	if n := l["alertname"]; n != "" {
		return n
	}
	return "alert without a name"
}

// Severity is the rank of an alert: larger is worse.
type Severity int

const (
	SeverityUnknown  Severity = 0 // no severity label, or one that is not configured
	SeverityInfo     Severity = 1
	SeverityWarning  Severity = 2
	SeverityCritical Severity = 3
)

// ParseSeverity reads the label's usual words, in any case. Other words are
// SeverityUnknown, which is treated like a warning.
func ParseSeverity(s string) Severity {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "critical", "crit", "page", "emergency", "fatal", "disaster", "high":
		return SeverityCritical
	case "warning", "warn", "error", "major", "average", "ticket", "medium":
		return SeverityWarning
	case "info", "informational", "information", "none", "notice", "low", "debug":
		return SeverityInfo
	}
	return SeverityUnknown
}

// Rank orders severities for people: an unknown one stands beside a warning.
func (s Severity) Rank() int {
	if s == SeverityUnknown {
		return int(SeverityWarning)
	}
	return int(s)
}

func (s Severity) String() string {
	switch s {
	case SeverityCritical:
		return "critical"
	case SeverityWarning:
		return "warning"
	case SeverityInfo:
		return "info"
	}
	return "no severity"
}

// Silence is one of Alertmanager's silences.
type Silence struct {
	ID        string
	State     string // active, pending, expired
	Matchers  []Matcher
	CreatedBy string
	Comment   string
	StartsAt  time.Time
	EndsAt    time.Time
	UpdatedAt time.Time
}

// Matcher is one matcher of a silence, in Alertmanager's terms.
type Matcher struct {
	Name  string
	Op    string // = != =~ !~
	Value string
}

// String is the matcher as Alertmanager reads it: names beyond the classic set
// in quotes, values always.
func (m Matcher) String() string {
	name := m.Name
	if strings.IndexFunc(name, notClassic) >= 0 || name == "" {
		name = quoteMatcher(name)
	}
	return name + m.Op + quoteMatcher(m.Value)
}

func notClassic(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != ':'
}

func quoteMatcher(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
