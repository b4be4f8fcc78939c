package config

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"unicode"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// automaton decides one matcher character by character, so that several can be
// walked side by side. A state is the set of the program's instructions that
// wait for the next character, and the character before it (for \b and its
// kin), spelt as a string so that it can be a key.
type automaton struct {
	prog    *syntax.Prog
	negated bool
	// states maps a state's spelling to what it stands for, and moves
	// remembers where it leads.
	states map[string]autoState
	moves  map[autoMove]string
}

type autoState struct {
	pcs  []uint32
	prev rune // a stand-in of its class, -1 at the beginning
}

type autoMove struct {
	from string
	by   rune
}

func newAutomaton(m *labels.Matcher) (*automaton, error) {
	text := m.Value
	if m.Type == labels.MatchEqual || m.Type == labels.MatchNotEqual {
		text = regexp.QuoteMeta(text)
	}
	re, err := syntax.Parse("^(?:"+text+")$", syntax.Perl) // as labels.NewMatcher does
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	return &automaton{
		prog:    prog,
		negated: m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp,
		states:  map[string]autoState{}, moves: map[autoMove]string{},
	}, nil
}

func (a *automaton) start() string {
	return a.spell(autoState{pcs: []uint32{uint32(a.prog.Start)}, prev: -1})
}

func (a *automaton) spell(s autoState) string {
	var b []byte
	for _, pc := range s.pcs {
		b = strconv.AppendUint(append(b, '.'), uint64(pc), 36)
	}
	b = strconv.AppendInt(append(b, '/'), int64(s.prev), 36)
	a.states[string(b)] = s
	return string(b)
}

// reach follows the instructions that take no character, given the characters
// before and after (-1: the end).
func (a *automaton) reach(s autoState, next rune) []uint32 {
	flags := syntax.EmptyOpContext(s.prev, next)
	var out []uint32
	seen := make([]bool, len(a.prog.Inst))
	stack := slices.Clone(s.pcs)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := a.prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, i.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&^flags == 0 {
				stack = append(stack, i.Out)
			}
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	return out
}

func (a *automaton) accepts(state string) bool {
	found := slices.ContainsFunc(a.reach(a.states[state], -1), func(pc uint32) bool {
		return a.prog.Inst[pc].Op == syntax.InstMatch
	})
	return found != a.negated
}

// dead tells whether nothing that follows can be accepted any more.
func (a *automaton) dead(state string) bool {
	return !a.negated && len(a.states[state].pcs) == 0
}

func (a *automaton) step(state string, r rune) string {
	move := autoMove{state, r}
	if to, ok := a.moves[move]; ok {
		return to
	}
	to := autoState{prev: classOf(r)}
	for _, pc := range a.reach(a.states[state], r) {
		i := &a.prog.Inst[pc]
		switch i.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if i.MatchRune(r) {
				to.pcs = append(to.pcs, i.Out)
			}
		}
	}
	slices.Sort(to.pcs)
	to.pcs = slices.Compact(to.pcs)
	if len(to.pcs) == 0 {
		to.prev = -1 // one dead state is enough
	}
	spelt := a.spell(to)
	a.moves[move] = spelt
	return spelt
}

// classOf is one character for all that are alike to what may stand beside them.
func classOf(r rune) rune {
	switch {
	case r == '\n':
		return '\n'
	case syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}

// alphabetOf is one character of every class that the automata tell apart,
// the readable ones first, so that examples look like labels.
func alphabetOf(autos []*automaton) []rune {
	borders := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1}
	for _, a := range autos {
		for i := range a.prog.Inst {
			inst := &a.prog.Inst[i]
			if inst.Op != syntax.InstRune && inst.Op != syntax.InstRune1 {
				continue
			}
			if len(inst.Rune) == 1 {
				r := inst.Rune[0]
				borders = append(borders, r, r+1)
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					borders = append(borders, f, f+1)
				}
				continue
			}
			for k := 0; k+1 < len(inst.Rune); k += 2 {
				borders = append(borders, inst.Rune[k], inst.Rune[k+1]+1)
			}
		}
	}
	slices.Sort(borders)
	borders = slices.Compact(borders)
	var readable, rest []rune
	for i, from := range borders {
		to := rune(unicode.MaxRune)
		if i+1 < len(borders) {
			to = borders[i+1] - 1
		}
		r := representative(from, to)
		switch {
		case r > unicode.MaxRune || r >= 0xD800 && r <= 0xDFFF: // no character
		case unicode.IsControl(r): // no label that anybody means
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			readable = append(readable, r)
		default:
			rest = append(rest, r)
		}
	}
	return append(readable, rest...)
}

// representative is the most readable character from a range.
func representative(from, to rune) rune {
	for _, r := range "ax019AZ-.: ~é" {
		if r >= from && r <= to {
			return r
		}
	}
	if from >= 0xD800 && from <= 0xDFFF && to > 0xDFFF {
		return 0xE000
	}
	return from
}
