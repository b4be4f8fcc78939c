package nixos

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// link is one generation as the profile keeps it.
type link struct {
	number int
	date   time.Time
	target string // store path
}

// state is where the host stands: what runs, what was booted, what the profile has.
type state struct {
	links   []link // the newest first
	current string
	booted  string // "" unknown
	// profile is the number that the profile points at, 0 where it points at none of
	// its generations; target the store path behind it.
	profile int
	target  string
}

// look reads the links alone; what is in the systems is read by those who need it.
func (n *NixOS) look() (state, error) {
	var s state
	dir, name := path.Split(n.o.Profile)
	entries, err := n.o.Host.Files.List(path.Clean(dir))
	if err != nil {
		return s, bot.Errorf(bot.CodeUnavailable, "The profiles of %s cannot be read; is it a NixOS host?", n.o.Host.Name).Because(err)
	}
	for _, e := range entries {
		number, ok := generationOf(e.Name(), name)
		if !ok {
			continue
		}
		l := link{number: number}
		if info, err := e.Info(); err == nil {
			l.date = info.ModTime().UTC().Truncate(time.Second)
		}
		// A link whose system was collected is shown, as what it is: not whole.
		if l.target, err = n.o.Host.Files.Resolve(path.Join(dir, e.Name())); err != nil {
			if l.target, err = n.o.Host.Files.Readlink(path.Join(dir, e.Name())); err != nil {
				continue // gone in this very moment
			}
		}
		s.links = append(s.links, l)
	}
	slices.SortFunc(s.links, func(a, b link) int { return cmp.Compare(b.number, a.number) })
	if s.current, err = n.running(currentSystem); err != nil {
		return s, err
	}
	s.booted, _ = n.o.Host.Files.Resolve(bootedSystem)
	if to, err := n.o.Host.Files.Readlink(n.o.Profile); err == nil {
		s.profile, _ = generationOf(path.Base(to), name)
	}
	s.target, _ = n.o.Host.Files.Resolve(n.o.Profile)
	return s, nil
}

// generationOf reads "system-42-link" of the profile "system".
func generationOf(file, profile string) (int, bool) {
	rest, ok := strings.CutPrefix(file, profile+"-")
	if !ok {
		return 0, false
	}
	digits, ok := strings.CutSuffix(rest, "-link")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && strconv.Itoa(n) == digits
}

// find gives the link of a number.
func (s state) find(number int) (link, bool) {
	i := slices.IndexFunc(s.links, func(l link) bool { return l.number == number })
	if i < 0 {
		return link{}, false
	}
	return s.links[i], true
}

// numbers says in words which generations there are.
func (s state) numbers() string {
	const most = 12
	var parts []string
	for _, l := range s.links[:min(most, len(s.links))] {
		parts = append(parts, strconv.Itoa(l.number))
	}
	if more := len(s.links) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d older", more))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// generation whose system, or a specialisation of it, is at a store path: the one
// that the profile points at where several are alike, else the newest; 0 for none.
func (n *NixOS) generation(s state, at string) (number int, specialisation string) {
	order := slices.Clone(s.links)
	slices.SortStableFunc(order, func(a, b link) int {
		switch {
		case a.number == s.profile:
			return -1
		case b.number == s.profile:
			return 1
		}
		return 0
	})
	for _, l := range order {
		if l.target == at {
			return l.number, ""
		}
	}
	for _, l := range order {
		for name, p := range n.specialisations(l.target) {
			if p == at {
				return l.number, name
			}
		}
	}
	return 0, ""
}

// Generations lists what the profile keeps, the newest first.
func (n *NixOS) Generations(ctx context.Context) ([]host.Generation, error) {
	s, err := n.look()
	if err != nil {
		return nil, err
	}
	current, special := n.generation(s, s.current)
	booted, _ := n.generation(s, s.booted)
	out := make([]host.Generation, 0, len(s.links))
	for _, l := range s.links {
		if err := ctx.Err(); err != nil {
			return nil, late(err)
		}
		g := n.system(l.target).Generation
		n.place(&g, l, s)
		g.Current, g.Booted = l.number == current, l.number == booted
		if g.Current {
			g.Specialisation = tame(special)
		}
		out = append(out, g)
	}
	return out, nil
}

// place says where a system stands in the profile.
func (n *NixOS) place(g *host.Generation, l link, s state) {
	g.Number, g.Date, g.Default = l.number, l.date, l.number == s.profile
}

// at reads the system at a store path and finds its place in the profile.
func (n *NixOS) at(s state, at string) system {
	found := n.system(at)
	number, special := n.generation(s, at)
	if l, ok := s.find(number); ok {
		n.place(&found.Generation, l, s)
	}
	found.Current, found.Booted, found.Specialisation = at == s.current, at == s.booted, tame(special)
	return found
}

func late(err error) error {
	return bot.Errorf(bot.CodeUnavailable, "There was not enough time to look; try again.").Because(err)
}
