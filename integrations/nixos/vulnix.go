package nixos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// mostResult bounds vulnix' result, in bytes; one of a whole system has a few 100 KiB.
const mostResult = 32 << 20

// critical is from which base score of CVSS 3 on a hole is one that cannot wait.
const critical = 9.0

// holes tells of the known holes that vulnix found, from the file into which it wrote
// (`vulnix --system --json`): vulnix itself is not run. What it holds is of the day on
// which it was written. False where no file is configured.
func (n *NixOS) holes(running host.Generation) (bot.Reading, bool) {
	file := n.o.Vulnix.Result
	if file == "" {
		return bot.Reading{}, false
	}
	r := n.reading("vulnerabilities", "", tame(file), bot.Unknown, "")
	info, err := n.o.Host.Files.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		r.Note = "vulnix has left no result there"
		return r, true
	}
	text, bad := n.o.Host.Files.Read(file, mostResult)
	if err = errors.Join(err, bad); err != nil {
		r.Note = "vulnix' result cannot be read"
		return r, true
	}
	var found []struct {
		Name, PName string
		AffectedBy  []string           `json:"affected_by"`
		Scores      map[string]float64 `json:"cvssv3_basescore"`
	}
	if err := json.Unmarshal(text, &found); err != nil {
		r.Note = "vulnix' result cannot be understood, as when it fails"
		return r, true
	}
	packages, holes, unscored := 0, 0, 0
	worst := map[string]float64{}
	for _, x := range found {
		if len(x.AffectedBy) == 0 { // all that it has is on the whitelist
			continue
		}
		packages++
		holes += len(x.AffectedBy)
		for _, id := range x.AffectedBy {
			switch score := x.Scores[id]; {
			case score <= 0: // vulnix leaves it out, and gives 0 in some versions
				unscored++
			case score >= critical:
				worst[x.PName] = max(worst[x.PName], score)
			}
		}
	}
	age := r.At.Sub(info.ModTime())
	r.State = bot.OK
	r.Value = fmt.Sprintf("%s in %s, as of %s ago", phrase.Count(holes, "CVE", "CVEs"), phrase.Count(packages, "package", "packages"), phrase.Duration(max(0, age)))
	r = r.With(float64(holes), bot.FigureCount)
	var why []string
	if age > n.o.Vulnix.MaxAge {
		r.State = bot.Unknown
		why = append(why, "vulnix wrote nothing for more than "+phrase.Duration(n.o.Vulnix.MaxAge))
	} else if info.ModTime().Before(running.Date) {
		r.State = bot.Unknown
		why = append(why, "another system runs since then")
	}
	if unscored > 0 {
		r.State = bot.Unknown
		why = append(why, fmt.Sprintf("%d without a score of CVSS 3, which may be critical", unscored))
	}
	if len(worst) > 0 {
		r.State = bot.NotOK
		why = slices.Insert(why, 0, "critical: "+scores(worst))
	}
	r.Note = strings.Join(why, "; ")
	return r, true
}

// scores are "openssl 9.8, curl 9.1", the highest first.
func scores(of map[string]float64) string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if of[a] != of[b] {
			if of[a] > of[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %.1f", tame(name), of[name])
	}
	return phrase.Some(names, 5)
}

// Vulnix is where its result lies.
type Vulnix struct {
	// Result is the file into which `vulnix --system --json` is written; "" for none.
	Result string
	// MaxAge is how old it may be.
	MaxAge time.Duration
}
