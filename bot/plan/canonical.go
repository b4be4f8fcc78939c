package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/gowebpki/jcs"

	"watchstander/bot"
)

// MaxBytes is the longest canonical form. What is longer nobody would read.
const MaxBytes = 256 << 10

// domain keeps a plan's digest from being that of anything else.
const domain = "watchstander plan 1\n"

// Canonical is the plan's canonical form. Plans that say the same have the same
// bytes: nil and empty are one, and so is an instant in any zone. The error says
// what a plan cannot hold, where; it is a *bot.Error.
func Canonical(p bot.Plan) ([]byte, error) {
	b, err := canonical("plan", p)
	if err != nil {
		return nil, err
	}
	if err := planFault(p); err != nil {
		return nil, err
	}
	return b, nil
}

// Parse reads what Canonical wrote, and nothing else: a member too many, another
// order or another spelling of the same is an error.
func Parse(b []byte) (bot.Plan, error) {
	var p bot.Plan
	if err := parse("plan", b, &p); err != nil {
		return bot.Plan{}, err
	}
	again, err := Canonical(p)
	if err != nil {
		return bot.Plan{}, err
	}
	if !bytes.Equal(b, again) {
		return bot.Plan{}, notCanonical("plan")
	}
	return p, nil
}

// Digest is what people agree to: the digest of a canonical form, 64 hexadecimal
// digits.
func Digest(canonical []byte) string {
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(canonical)
	return hex.EncodeToString(h.Sum(nil))
}

// canonical is the canonical form of a plan or a statement.
func canonical(what string, v any) ([]byte, error) {
	v, err := normal(what, v)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, invalid("The %s cannot be written.", what).Because(err)
	}
	if b, err = jcs.Transform(b); err != nil {
		return nil, invalid("The %s cannot be written.", what).Because(err)
	}
	if len(b) > MaxBytes {
		return nil, invalid("The %s is %d bytes long; %d is the most.", what, len(b), MaxBytes)
	}
	return b, nil
}

// parse reads JSON strictly; whoever calls it compares what the outcome is
// written as, which finds all that a JSON parser forgives.
func parse(what string, b []byte, v any) error {
	if len(b) > MaxBytes {
		return invalid("The %s is longer than %d bytes.", what, MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return notCanonical(what).Because(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return notCanonical(what)
	}
	return nil
}

func notCanonical(what string) *bot.Error {
	return invalid("This is no %s in its canonical form.", what)
}

func invalid(format string, args ...any) *bot.Error {
	return bot.Errorf(bot.CodeInvalid, format, args...)
}

var argumentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// planFault is what a plan of this version must have beside its form. What a rule
// asks for is bot/gate's matter.
func planFault(p bot.Plan) error {
	if p.Version != bot.PlanVersion {
		return invalid("The plan is of version %d; this program knows %d.", p.Version, bot.PlanVersion)
	}
	for what, s := range map[string]string{"id": string(p.ID), "host": p.Host, "machine id": p.MachineID, "operation": string(p.Operation),
		"requester": string(p.Requester), "summary": p.Draft.Summary} {
		if s == "" {
			return invalid("The plan has no %s.", what)
		}
	}
	if p.MintedAt.IsZero() || !p.NotAfter.After(p.MintedAt) {
		return invalid("The plan must end after it was made.")
	}
	for name, values := range p.Arguments {
		if !argumentName.MatchString(name) {
			return invalid("%.80q is no name of an argument.", name)
		}
		if len(values) == 0 {
			return invalid("The plan's argument %s has no value.", name)
		}
	}
	for _, f := range slices.Concat(p.Draft.Bound, p.Draft.Observed) {
		if f.Name == "" || strings.ContainsAny(f.Name, "=\n") {
			return invalid("%.80q is no name of a fact.", f.Name)
		}
	}
	for i, c := range p.Draft.Conditions {
		if c.State != bot.OK && c.State != bot.NotOK && c.State != bot.Unknown {
			return invalid("The plan's condition %d has no state (%q).", i+1, c.State)
		}
	}
	return ruleFault(p.Rule)
}

// ruleFault is what of a rule could not be put into words.
func ruleFault(r bot.Rule) error {
	switch r.Risk {
	case bot.RiskLow, bot.RiskMedium, bot.RiskHigh:
	default:
		return invalid("The rule %s has no risk (%q).", r.Name, r.Risk)
	}
	for _, s := range r.StepUp {
		if proofs[s] == "" {
			return invalid("The rule %s wants a proof that nobody knows (%q).", r.Name, s)
		}
	}
	for _, w := range r.Windows {
		if err := windowFault(w); err != nil {
			return invalid("The rule %s has a window that cannot be read.", r.Name).Because(fmt.Errorf("%v: %w", w, err))
		}
	}
	return nil
}
