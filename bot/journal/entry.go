package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gowebpki/jcs"

	"watchstander/bot"
)

// Version is the form of entries that this program writes, and the only one that
// it reads.
const Version = 1

// domain keeps an entry's hash from being that of anything else.
const domain = "watchstander journal entry 1\n"

// Bounds of an entry. What is longer is cut where people will see it (texts), or
// refused (the rest).
const (
	// MaxText is the longest Text or value of Fields, in bytes.
	MaxText = 32 << 10
	// MaxName is the longest Kind, Host, By, Subject or name of Fields, in bytes.
	MaxName = 256
	// MaxFields is how many Fields there may be.
	MaxFields = 64
	// MaxLine is the longest canonical form, in bytes.
	MaxLine = 1 << 20
)

// Head is where a journal ends. Head{} is before the first entry.
type Head struct {
	// Seq is the last entry's number, from 1.
	Seq int64 `json:"seq"`
	// Hash is its hash, 64 hexadecimal digits.
	Hash string `json:"hash"`
}

// String is "12 6f0c…" with the whole hash, or "empty".
func (h Head) String() string {
	if h == (Head{}) {
		return "empty"
	}
	return fmt.Sprintf("%d %s", h.Seq, h.Hash)
}

// Entry is one thing that happened. Whoever appends sets At, Kind and what the
// kind tells of; Seal sets the rest.
type Entry struct {
	Version int   `json:"version,string"`
	Seq     int64 `json:"seq,string"`
	// At is UTC, in whole milliseconds.
	At   time.Time `json:"at"`
	Prev string    `json:"prev"`
	Hash string    `json:"hash,omitempty"`
	Kind Kind      `json:"kind"`
	// Host that it is about, "" for none.
	Host string `json:"host"`
	// By is who did it, "" for the program itself.
	By bot.PersonID `json:"by"`
	// Subject is the id of what it is about: a plan's, a thread's, a request's.
	Subject string `json:"subject"`
	// Text says it in a sentence, for people.
	Text string `json:"text"`
	// Fields are what programs and investigators want to find. Names are
	// lower-case words joined by underscores; nil when there are none.
	Fields map[string]string `json:"fields"`
}

// Head is where the journal ended with this entry.
func (e Entry) Head() Head { return Head{Seq: e.Seq, Hash: e.Hash} }

// Kind says what kind of thing an Entry tells.
type Kind string

// The kinds of everything that has a consequence.
const (
	KindRequest     Kind = "request"     // an operation was asked for
	KindRefusal     Kind = "refusal"     // it, or a decision, was refused
	KindPlan        Kind = "plan"        // a plan was minted
	KindShown       Kind = "shown"       // it was shown whole
	KindDecision    Kind = "decision"    // somebody agreed or denied
	KindWithdrawal  Kind = "withdrawal"  // somebody took their decision back
	KindCancel      Kind = "cancel"      // the requester took the request back
	KindExpired     Kind = "expired"     // nobody decided in time
	KindStale       Kind = "stale"       // the host is no longer as the plan says
	KindQueued      Kind = "queued"      // agreed to, and waits for its window
	KindStart       Kind = "start"       // a run is about to be started
	KindEnd         Kind = "end"         // a run ended, with its outcome
	KindInterrupted Kind = "interrupted" // a run ended, and nobody knows how
	KindConfirm     Kind = "confirm"     // somebody said that all is well
	KindStanding    Kind = "standing"    // a standing approval let something run
	KindBreakGlass  Kind = "break-glass" // root ran something without approvals
	KindSilence     Kind = "silence"     // a silence was made
	KindUnsilence   Kind = "unsilence"   // silences were ended
	KindMaintenance Kind = "maintenance" // a maintenance was opened, extended or ended
	KindAck         Kind = "ack"         // a thread was acknowledged
	KindUnack       Kind = "unack"       // an acknowledgement was taken back
	KindConfig      Kind = "config"      // a configuration or policy came into force
	KindHead        Kind = "head"        // the head of another journal, see HeadEntry
	KindNote        Kind = "note"        // anything else
)

// Kinds are all that this program writes, in the order of a plan's life.
func Kinds() []Kind {
	return []Kind{KindRequest, KindRefusal, KindPlan, KindShown, KindDecision, KindWithdrawal, KindCancel, KindExpired, KindStale,
		KindQueued, KindStart, KindEnd, KindInterrupted, KindConfirm, KindStanding, KindBreakGlass, KindSilence, KindUnsilence, KindMaintenance,
		KindAck, KindUnack, KindConfig, KindHead, KindNote}
}

// Names of Fields whose values are not redacted, as long as they have the form of
// what the name says: our own ids, digests and numbers, which must stay whole to
// be of use.
const (
	FieldPlan    = "plan"    // a PlanID
	FieldRequest = "request" // a RequestID
	FieldThread  = "thread"  // a ThreadID
	FieldKey     = "key"     // an EffectKey
	FieldDigest  = "digest"  // a plan's digest, or a file's SHA-256
	FieldHash    = "hash"    // an entry's hash
	FieldSeq     = "seq"     // an entry's number
)

var ownID = func() *regexp.Regexp {
	var prefixes []string
	for _, p := range bot.IDPrefixes {
		prefixes = append(prefixes, regexp.QuoteMeta(p))
	}
	return regexp.MustCompile(`^(?:` + strings.Join(prefixes, "|") + `)[A-Z2-7]{26}$`)
}()

var ownSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

var exempt = map[string]*regexp.Regexp{FieldPlan: ownID, FieldRequest: ownID, FieldThread: ownID, FieldKey: ownID,
	FieldDigest: ownSum, FieldHash: ownSum, FieldSeq: regexp.MustCompile(`^[0-9]{1,19}$`)}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$`)
var kindName = regexp.MustCompile(`^[a-z]+(?:-[a-z]+)*$`)

// Seal makes the entry that follows prev: redacts its texts and names, brings it into its
// one form (UTC, valid UTF-8), numbers, links and hashes it. What it was given
// of Version, Seq, Prev and Hash does not count. An error means that the entry
// cannot be written at all: a kind or name without its form, no time, no
// redactor.
func Seal(prev Head, e Entry, redact func(string) string) (Entry, error) {
	if redact == nil {
		return Entry{}, errors.New("journal: no redactor")
	}
	if e.At.IsZero() {
		return Entry{}, fmt.Errorf("journal: an entry of kind %q has no time", e.Kind)
	}
	e.Version, e.Seq, e.Prev, e.Hash = Version, prev.Seq+1, prev.Hash, ""
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Text = said(e.Text, redact)
	e.Host, e.Subject, e.By = called(e.Host, redact), called(e.Subject, redact), bot.PersonID(called(string(e.By), redact))
	fields := make(map[string]string, len(e.Fields))
	for name, value := range e.Fields {
		if form := exempt[name]; form == nil || !form.MatchString(value) {
			value = said(value, redact)
		}
		fields[name] = value
	}
	e.Fields = fields
	if len(fields) == 0 {
		e.Fields = nil
	}
	if err := e.fault(); err != nil {
		return Entry{}, err
	}
	var err error
	if e.Hash, err = sum(e); err != nil {
		return Entry{}, err
	}
	line, err := Encode(e)
	if err != nil {
		return Entry{}, err
	}
	if len(line) > MaxLine {
		return Entry{}, fmt.Errorf("journal: an entry of kind %q is %d bytes long; %d is the most", e.Kind, len(line), MaxLine)
	}
	return e, nil
}

// said is a text as the journal may keep it. It is redacted before it is cut, so
// that no half of a secret stays unknown.
func said(s string, redact func(string) string) string {
	s = strings.ToValidUTF8(redact(s), "\uFFFD")
	if len(s) <= MaxText {
		return s
	}
	end := MaxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes were cut)", s[:end], len(s)-end)
}

// called is a name as the journal may keep it: our own ids stay, and so does what
// holds no secret, whatever else may be wrong with it.
func called(s string, redact func(string) string) string {
	if ownID.MatchString(s) {
		return s
	}
	out := redact(s)
	if out == s {
		return s
	}
	out = strings.ToValidUTF8(out, "\uFFFD")
	for len(out) > MaxName {
		_, size := utf8.DecodeLastRuneInString(out)
		out = out[:len(out)-size]
	}
	return out
}

// fault is what is wrong with an entry's own names.
func (e Entry) fault() error {
	if !kindName.MatchString(string(e.Kind)) || len(e.Kind) > MaxName {
		return fmt.Errorf("journal: %q is no kind", e.Kind)
	}
	for what, s := range map[string]string{"host": e.Host, "person": string(e.By), "subject": e.Subject} {
		if len(s) > MaxName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Errorf("journal: %.80q is no %s", s, what)
		}
	}
	if len(e.Fields) > MaxFields {
		return fmt.Errorf("journal: an entry of kind %q has %d fields; %d is the most", e.Kind, len(e.Fields), MaxFields)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if len(name) > MaxName || !fieldName.MatchString(name) {
			return fmt.Errorf("journal: %.80q is no name of a field", name)
		}
	}
	return nil
}

// Encode is the entry's canonical form, in one line without a line break.
func Encode(e Entry) ([]byte, error) {
	if e.Fields == nil {
		e.Fields = map[string]string{}
	}
	e.At = e.At.UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if b, err = jcs.Transform(b); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return b, nil
}

// sum is the hash of an entry, whatever its member Hash says.
func sum(e Entry) (string, error) {
	e.Hash = ""
	b, err := Encode(e)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Intact tells whether the entry's hash is that of what it says. Whether it is the
// one that was written here is told by Verify.
func (e Entry) Intact() bool {
	want, err := sum(e)
	return err == nil && want == e.Hash
}

// Decode reads what Encode wrote, and nothing else: another spelling of the same
// JSON is an error. It does not look at the hash; Intact does.
func Decode(line []byte) (Entry, error) {
	if len(line) > MaxLine {
		return Entry{}, fmt.Errorf("it is longer than %d bytes", MaxLine)
	}
	var e Entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("it is no entry: %w", err)
	}
	if len(e.Fields) == 0 {
		e.Fields = nil
	}
	again, err := Encode(e)
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(line, again) {
		return Entry{}, errors.New("it is not in its canonical form")
	}
	return e, nil
}
