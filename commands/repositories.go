package commands

import (
	"strconv"
	"strings"

	"watchstander/bot"
)

// Kinds of argument that commands on backups have.
const (
	kindPart         bot.ArgKind = "part"         // part 3/12, --part 3/12
	kindRepositories bot.ArgKind = "repositories" // names of repositories, the part among them
	kindRepository   bot.ArgKind = "repository"   // one name
)

// verified reads what a verification takes: repositories, and somewhere among them
// the part of the data.
func (p *parser) verified(a bot.Arg, args map[string]bot.Value) error {
	var names []string
	for {
		w, ok := p.r.peek()
		if !ok {
			break
		}
		if rest, part := partKeyword(w); part {
			if _, twice := args[string(kindPart)]; twice {
				return p.told(w, "is given twice.")
			}
			p.r.next()
			v, err := p.part(w, rest)
			if err != nil {
				return err
			}
			args[string(kindPart)] = v
			continue
		}
		name, ok := p.repositoryName(w)
		if !ok || w.is("on") {
			break
		}
		p.r.next()
		names = append(names, name)
	}
	if len(names) > 0 {
		args[a.Name] = bot.Value{Text: strings.Join(names, " ")}
	}
	return nil
}

// partKeyword tells the word "part", as on a command line too; rest is what stands
// behind "=". Phones make one long dash of two short ones.
func partKeyword(w word) (rest string, ok bool) {
	if w.quoted {
		return "", false
	}
	name, rest, _ := strings.Cut(strings.TrimLeft(w.text, "-–—"), "=")
	return rest, strings.EqualFold(name, "part")
}

// part reads "3/12". Whether there is such a part, the agent says.
func (p *parser) part(w word, text string) (v bot.Value, err error) {
	if text == "" {
		next, ok := p.r.next()
		if !ok {
			return v, p.fault("PART needs a number, e.g. `part 3/12`.")
		}
		w, text = next, next.text
	}
	a, b, found := strings.Cut(text, "/")
	n, err1 := strconv.Atoi(a)
	total, err2 := strconv.Atoi(b)
	if !found || err1 != nil || err2 != nil || n < 1 || total < n {
		return v, p.told(w, "is no part; write e.g. `part 3/12`: the third of twelve.")
	}
	return bot.Value{Text: strconv.Itoa(n) + "/" + strconv.Itoa(total)}, nil
}

// repositoryName reads a name as configurations have them; phones begin it with a
// capital. Where only the shape of a line counts, a word of everyday talk is none:
// "backup verify tonight", "backup run twice".
func (p *parser) repositoryName(w word) (string, bool) {
	name := strings.ToLower(w.text)
	if w.unclosed || name == "" || len(name) > 64 || p.shape && (spoken[name] || w.is(talk...)) {
		return "", false
	}
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case i > 0 && strings.IndexByte("._-", c) >= 0:
		default:
			return "", false
		}
	}
	return name, true
}

// repository reads one name.
func (p *parser) repository(w word) (v bot.Value, fits bool, err error) {
	if w.is("on") {
		return v, false, nil // a host's name follows
	}
	name, ok := p.repositoryName(w)
	if !ok && !p.shape {
		return v, false, p.told(w, "is no repository's name; `backup status` lists them.")
	}
	return bot.Value{Text: name}, ok, nil
}
