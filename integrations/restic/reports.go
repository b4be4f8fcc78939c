package restic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/fsync"
	"watchstander/bot/host"
)

// facts are what a repository said last, and how the last attempt to ask it went.
type facts struct {
	Asked     time.Time       `json:"asked,omitzero"` // the last answer
	Snapshots []host.Snapshot `json:"snapshots"`
	Tried     time.Time       `json:"tried,omitzero"` // the last attempt
	// Fault is why it failed, nil for an answer.
	Fault *factFault `json:"fault,omitempty"`
	// Place is whose word it is: another place may come to have the repository's name.
	Place string `json:"place,omitempty"`
}

// report is a verification as it is kept.
type report struct {
	host.Verification
	Place string `json:"place,omitempty"`
}

type factFault struct {
	State bot.ReadingState `json:"state"` // what it says of the repository
	Why   string           `json:"why"`
}

const (
	// mostReports of a repository are kept: more than a year of weeks.
	mostReports = 80
	// mostReport bounds one file of ours.
	mostReport = 4 << 20
	reportTime = "20060102T150405.000Z"
)

// place tells where a repository is, as a digest, since a location may hold a
// password; "" where that cannot be found out.
func (b *Backups) place(r *Repository) string {
	c, err := b.open(r)
	if err != nil {
		return ""
	}
	return placeOf(c.location)
}

func placeOf(location string) string {
	sum := sha256.Sum256([]byte(location))
	return hex.EncodeToString(sum[:])
}

// elsewhere tells whether something was learnt at another place than here. Where one
// of the two is not known, it is not.
func elsewhere(learnt, here string) bool { return learnt != "" && here != "" && learnt != here }

// facts reads what is known of a repository; nothing, where that was never asked at
// the place where it is now.
func (b *Backups) facts(r *Repository) (facts, error) {
	var f facts
	err := readJSON(filepath.Join(b.factsDir(), r.Name+".json"), &f)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if elsewhere(f.Place, b.place(r)) {
		return facts{}, err
	}
	return f, err
}

func (b *Backups) putFacts(name string, f facts) error {
	return writeJSON(filepath.Join(b.factsDir(), name+".json"), f)
}

// putReport keeps a verification of the place here, and lets go of the oldest ones.
func (b *Backups) putReport(r *Repository, here string, v host.Verification) error {
	dir := filepath.Join(b.reportsDir(), r.Name)
	if err := writeJSON(filepath.Join(dir, v.Began.UTC().Format(reportTime)+".json"), report{v, here}); err != nil {
		return err
	}
	names, err := reportNames(dir)
	if err != nil {
		return err
	}
	for len(names) > mostReports {
		if err := os.Remove(filepath.Join(dir, names[0])); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}

// reports reads a repository's verifications, the newest first. One that cannot be
// read is left out; lost tells how many. Those of another place are none of it.
func (b *Backups) reports(r *Repository) (out []host.Verification, lost int, err error) {
	dir := filepath.Join(b.reportsDir(), r.Name)
	names, err := reportNames(dir)
	if err != nil {
		return nil, 0, err
	}
	slices.Reverse(names)
	here := b.place(r)
	for _, n := range names {
		var v report
		if err := readJSON(filepath.Join(dir, n), &v); err != nil || v.Repository != r.Name || v.Ended.IsZero() {
			lost++
			continue
		}
		if !elsewhere(v.Place, here) {
			out = append(out, v.Verification)
		}
	}
	return out, lost, nil
}

// reportNames are in the order of time, since their names are times.
func reportNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		base, isJSON := strings.CutSuffix(e.Name(), ".json")
		if _, err := time.Parse(reportTime, base); isJSON && err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// mark says that a check is under way, whose lock would stay behind if the
// process were killed; unmark takes the mark away.
func (b *Backups) mark(name string) error {
	return writeJSON(filepath.Join(b.factsDir(), name+".checking"), b.now().UTC())
}

func (b *Backups) unmark(name string) error {
	err := os.Remove(filepath.Join(b.factsDir(), name+".checking"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *Backups) marked(name string) bool {
	_, err := os.Lstat(filepath.Join(b.factsDir(), name+".checking"))
	return err == nil
}

func readJSON(file string, v any) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > mostReport {
		return fmt.Errorf("%s: %w", file, fs.ErrInvalid)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// writeJSON replaces a file as a whole, and returns when it is on the disk.
func writeJSON(file string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return fsync.Dir(dir)
}
