package units

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// What Podman leaves of its own doings (libpod/events): entries in the journal, its
// standard under systemd, or root's file. Podman itself is not asked: it wants to
// write its stores and take its locks, which the agent's unit does not let it.
const (
	podmanFile = "/run/libpod/events/events.log"
	// mostFile is several times the size at which Podman shortens its file.
	mostFile = 8 << 20
	// mostPulls bounds the entries that are read: of all users, and of root again
	// where others have written so many.
	mostPulls = 1000
	// mostOthers is how much is told of users who are not root. What they write is
	// theirs to choose, and must not push out what root did.
	mostOthers = 50
	root       = "0"
)

// pull is one of Podman's events of that name. Podman writes it of any image that it
// takes to make a container of, or to keep, also of one that is on the host already.
type pull struct {
	user  string // by number, as the kernel knows it
	name  string
	image string // its id; "" from older versions
	at    time.Time
}

// images finds out which images of containers came or became others.
func (k *Keeper) images(ctx context.Context, g *gathering) {
	_, err := k.h.Files.Stat(k.o.Podman)
	here := !errors.Is(err, fs.ErrNotExist)
	filed, kept, unread := k.filedPulls(g)
	pulls, cut, err := k.journaledPulls(ctx)
	if err == nil && cut {
		pulls, err = k.rootsPullsToo(ctx, g, pulls)
	}
	if !here && !kept && len(pulls) == 0 {
		return // no Podman, as far as can be seen
	}
	pulls = append(pulls, filed...)
	slices.SortStableFunc(pulls, func(a, b pull) int { return a.at.Compare(b.at) })
	k.arrivals(g, pulls)
	if err != nil {
		g.doubt("images of containers", err)
	} else if err := k.logging(ctx, kept || slices.ContainsFunc(pulls, func(p pull) bool { return p.user == root })); err != nil {
		g.doubt("images of root's containers", err)
	}
	if unread != nil {
		g.doubt("images of root's containers", unread)
	}
	if err == nil {
		g.unknown = append(g.unknown, "images of other users' containers: known only where their podman writes to the journal")
	}
}

// journaledPulls reads the last pulls in the journal, however old: what came before
// tells whether an image is another one. Who wrote an entry is journald's own word;
// what stands in it is the writer's.
func (k *Keeper) journaledPulls(ctx context.Context, matches ...string) (pulls []pull, cut bool, err error) {
	entries, cut, err := k.journal(ctx, append([]string{fmt.Sprintf("--lines=%d", mostPulls),
		"--output-fields=PODMAN_NAME,PODMAN_ID,_UID", "PODMAN_EVENT=pull", "PODMAN_TYPE=image"}, matches...)...)
	for _, e := range entries {
		if p := (pull{user: e.text("_UID"), name: e.text("PODMAN_NAME"), image: e.text("PODMAN_ID"), at: e.at()}); p.user != "" && !p.at.IsZero() {
			pulls = append(pulls, p)
		}
	}
	return pulls, cut || len(entries) >= mostPulls, err
}

// rootsPullsToo puts root's own in the place of those among all that were read.
func (k *Keeper) rootsPullsToo(ctx context.Context, g *gathering, all []pull) ([]pull, error) {
	own, cut, err := k.journaledPulls(ctx, "_UID="+root)
	if err != nil {
		return nil, err
	}
	doubt := func(whose string, read []pull) {
		if len(read) == 0 || read[0].at.After(g.from) {
			g.unknown = append(g.unknown, fmt.Sprintf("earlier images of %s containers: there were more events than the %d that were read", whose, mostPulls))
		}
	}
	if cut {
		doubt("root's", own)
	}
	others := slices.DeleteFunc(slices.Clone(all), func(p pull) bool { return p.user == root })
	if len(others) > 0 {
		doubt("other users'", all)
	}
	return append(own, others...), nil
}

// filedPulls reads root's file. There is none where Podman writes to the journal; it
// is kept in memory, and shortened, so that it tells since when it knows.
func (k *Keeper) filedPulls(g *gathering) (pulls []pull, kept bool, err error) {
	text, err := k.h.Files.Read(podmanFile, mostFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, bot.Errorf(bot.CodeUnavailable, "%s cannot be read on %s.", podmanFile, k.h.Name).Because(err)
	}
	var first time.Time
	for l := range bytes.Lines(text) {
		var e struct {
			ID, Name, Status, Type string
			Time                   time.Time
		}
		if !bytes.HasSuffix(l, []byte("\n")) {
			break // it is being written
		}
		if err := json.Unmarshal(l, &e); err != nil {
			return pulls, true, bot.Errorf(bot.CodeUnavailable, "What stands in %s on %s cannot be understood.", podmanFile, k.h.Name).Because(err)
		}
		if first.IsZero() && e.Status != "log-rotation" {
			first = e.Time
		}
		if e.Status == "pull" && e.Type == "image" {
			pulls = append(pulls, pull{user: root, name: e.Name, image: e.ID, at: e.Time.UTC()})
		}
	}
	if first.IsZero() || first.After(g.from) {
		g.unknown = append(g.unknown, "earlier images of root's containers: "+podmanFile+" does not go back further")
	}
	return pulls, true, nil
}

// logging tells why it cannot be known which images root's Podman takes. That it has
// left events shows that it leaves them, unless it is told not to by now.
func (k *Keeper) logging(ctx context.Context, left bool) error {
	declared, file := k.eventsLogger()
	if declared == "none" {
		return bot.Errorf(bot.CodeUnavailable, "%s has events_logger = \"none\".", file)
	}
	if left || declared == "journald" {
		return nil
	}
	entries, _, err := k.journal(ctx, "--lines=1", "--output-fields=PODMAN_TYPE", "_UID="+root,
		"PODMAN_TYPE=container", "PODMAN_TYPE=image", "PODMAN_TYPE=network", "PODMAN_TYPE=pod", "PODMAN_TYPE=system", "PODMAN_TYPE=volume")
	if err == nil && len(entries) == 0 {
		err = bot.Errorf(bot.CodeUnavailable, "its podman has left nothing in the journal, nor in %s: it was not used, or its events go elsewhere (events_logger).", podmanFile)
	}
	return err
}

var eventsLogger = regexp.MustCompile(`(?m)^[ \t]*events_logger[ \t]*=[ \t]*["']([a-z]+)["']`)

// eventsLogger is what the host's containers.conf, or the last of its additions that
// says something, has for it; "" where none does.
func (k *Keeper) eventsLogger() (declared, file string) {
	const main = "/etc/containers/containers.conf"
	files := []string{main}
	list, _ := k.h.Files.List(main + ".d") // mostly there is none
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".conf") {
			files = append(files, path.Join(main+".d", e.Name()))
		}
	}
	slices.Sort(files)
	for _, f := range files {
		text, err := k.h.Files.Read(f, 1<<20)
		if err != nil {
			continue // nothing is declared there
		}
		if m := eventsLogger.FindSubmatch(text); m != nil {
			declared, file = string(m[1]), f
		}
	}
	return declared, file
}

// arrivals tells of pulls, the oldest first, what they brought. With an id the same
// image under the same name is no change; a name's first image may have been there
// before. Without one nobody can tell, so that the newest of each name stands for all.
func (k *Keeper) arrivals(g *gathering, pulls []pull) {
	type of struct{ user, what string }
	had, named := map[of]bool{}, map[of]string{}
	var found []bot.Change
	last, times := map[of]int{}, map[of]int{}
	var others []int
	for _, p := range pulls {
		name, image := of{p.user, p.name}, of{p.user, p.image}
		before, known := named[name]
		same := p.image != "" && (known && before == p.image || !known && had[image])
		if p.image != "" {
			named[name], had[image] = p.image, true
		}
		if same || p.at.Before(g.from) {
			continue
		}
		text := podmanOf(p.user) + " took " + called(p.name) + ": pulled, or there already"
		if p.image != "" && known {
			text = podmanOf(p.user) + " took " + called(p.name) + ": another one than before"
		}
		c := bot.Change{ID: fmt.Sprintf("pull %s %s %d", p.user, line(p.name), p.at.UnixMicro()), Kind: bot.ChangeImage, Text: text, At: p.at}
		if p.image == "" {
			if times[name]++; times[name] > 1 {
				c.Text += fmt.Sprintf(" (%d times)", times[name])
				found[last[name]].ID = "" // this one stands for it
			}
			last[name] = len(found)
		}
		if p.user != root {
			others = append(others, len(found))
		}
		found = append(found, c)
	}
	others = slices.DeleteFunc(others, func(i int) bool { return found[i].ID == "" })
	if n := len(others) - mostOthers; n > 0 {
		for _, i := range others[:n] {
			found[i].ID = ""
		}
		g.unknown = append(g.unknown, fmt.Sprintf("%d earlier images of other users' containers, which are too many to be told", n))
	}
	for _, c := range found {
		if c.ID != "" {
			g.add(c)
		}
	}
}

func podmanOf(user string) string {
	if user == root {
		return "podman"
	}
	return "podman of user " + line(user)
}

// reference is a name of an image, with or without a transport before it.
var reference = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$`)

func called(name string) string {
	if !reference.MatchString(name) {
		return "an image whose name is none"
	}
	return "image " + name
}
