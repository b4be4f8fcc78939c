package restic

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// variable is one that an environment file sets.
type variable struct{ name, value string }

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseEnvironment reads an environment file as systemd does (EnvironmentFile= in
// systemd.exec(5)). Of two assignments of one name the later one counts. Errors
// tell the line and never what stands in it: these files hold secrets.
//
// It is stricter in one thing: what systemd would drop with a warning (a name that
// is none, bytes that are no UTF-8) is an error here, since the check would run
// without a variable that its author meant.
func parseEnvironment(text string) ([]variable, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("it is no text in UTF-8")
	}
	p := envParser{line: 1}
	for _, c := range text {
		if err := p.take(c); err != nil {
			return nil, err
		}
		if c == '\n' {
			p.line++
		}
	}
	switch p.state {
	case envSingle, envDouble, envDoubleEscape:
		return nil, fmt.Errorf("the quote that is opened in line %d is not closed", p.begun)
	case envBefore, envValue, envValueEscape:
		if err := p.push(); err != nil {
			return nil, err
		}
	}
	return p.out, nil
}

type envState int

const (
	envOutside envState = iota
	envComment
	envCommentEscape
	envKey
	envBefore // between "=" and the value, and behind a quoted piece of it
	envValue
	envValueEscape
	envSingle
	envDouble
	envDoubleEscape
)

// envParser is one line of thought: what it takes is decided by its state alone.
type envParser struct {
	state      envState
	key, value strings.Builder
	// kept is how much of value was quoted, escaped or no blank: what is behind it
	// are blanks at the end, which do not count.
	kept        int
	line, begun int
	out         []variable
}

func (p *envParser) take(c rune) error {
	blank := c == ' ' || c == '\t'
	end := c == '\n' || c == '\r'
	switch p.state {
	case envOutside:
		switch {
		case c == '#' || c == ';':
			p.state = envComment
		case !blank && !end:
			p.state, p.begun = envKey, p.line
			p.key.WriteRune(c)
		}
	case envComment:
		switch {
		case c == '\\':
			p.state = envCommentEscape
		case end:
			p.state = envOutside
		}
	case envCommentEscape:
		p.state = envComment
	case envKey:
		switch {
		case end: // a line without "=" says nothing
			p.reset()
		case c == '=':
			p.state = envBefore
		default:
			p.key.WriteRune(c)
		}
	case envBefore, envValue:
		switch {
		case end:
			return p.push()
		case c == '\\':
			p.state = envValueEscape
		case p.state == envBefore && c == '\'':
			p.state, p.begun = envSingle, p.line
		case p.state == envBefore && c == '"':
			p.state, p.begun = envDouble, p.line
		case p.state == envBefore && blank:
		default:
			p.state = envValue
			p.value.WriteRune(c)
			if !blank {
				p.kept = p.value.Len()
			}
		}
	case envValueEscape:
		p.state = envValue
		if !end {
			p.keep(c)
		}
	case envSingle:
		if c == '\'' {
			p.state = envBefore
		} else {
			p.keep(c)
		}
	case envDouble:
		switch c {
		case '"':
			p.state = envBefore
		case '\\':
			p.state = envDoubleEscape
		default:
			p.keep(c)
		}
	case envDoubleEscape:
		p.state = envDouble
		switch {
		case strings.ContainsRune("\"\\`$", c):
			p.keep(c)
		case c != '\n':
			p.keep('\\')
			p.keep(c)
		}
	}
	return nil
}

func (p *envParser) keep(c rune) {
	p.value.WriteRune(c)
	p.kept = p.value.Len()
}

func (p *envParser) push() error {
	name := strings.TrimRight(p.key.String(), " \t")
	if !variableName.MatchString(name) {
		return fmt.Errorf("line %d sets what is no variable's name", p.begun)
	}
	p.out = append(p.out, variable{name, p.value.String()[:p.kept]})
	p.reset()
	return nil
}

func (p *envParser) reset() {
	p.state, p.kept = envOutside, 0
	p.key.Reset()
	p.value.Reset()
}
