package restic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot/host"
)

// mostSnapshots bounds the listing: one snapshot takes about 1 KiB, and only the
// newest few of each set are asked for.
const mostSnapshots = 16 << 20

// perSet is how many of the newest snapshots of a set are asked for: the newest one, and
// a week of nights with which its size is compared. A source that is not mounted is told
// for as long, and so is one that people made smaller.
const perSet = 8

// snapshots lists the newest snapshot of each host and set of paths, the newest
// first, each with the largest of those before it; of those with the given ids, or ids
// that begin so, where there are some.
func (c *client) snapshots(ctx context.Context, limit time.Duration, ids ...string) ([]host.Snapshot, error) {
	args := []string{"snapshots", "--json", "--no-lock"}
	if len(ids) == 0 {
		args = append(args, fmt.Sprintf("--latest=%d", perSet))
	}
	out, err := c.run(ctx, call{args: args, names: ids, limit: limit, what: "listing its snapshots", most: mostSnapshots})
	if err != nil {
		return nil, err
	}
	if out.Cut {
		return nil, &Fault{Kind: Unreadable, Text: "it lists too many snapshots"}
	}
	list, err := parseSnapshots(out.Stdout)
	if err != nil {
		return nil, &Fault{Kind: Unreadable, Text: "its list of snapshots is not as expected", Cause: err}
	}
	return list, nil
}

func parseSnapshots(text []byte) ([]host.Snapshot, error) {
	var list []struct {
		ID       string    `json:"id"`
		Time     time.Time `json:"time"`
		Host     string    `json:"hostname"`
		Paths    []string  `json:"paths"`
		Excludes []string  `json:"excludes"`
		Summary  *struct {
			Bytes *int64 `json:"total_bytes_processed"`
			Files *int64 `json:"total_files_processed"`
		} `json:"summary"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	var out []host.Snapshot
	for _, s := range list {
		if !isID(s.ID) || s.Time.IsZero() {
			return nil, errSnapshot
		}
		n := host.Snapshot{ID: s.ID, At: s.Time.UTC(), Host: s.Host, Paths: s.Paths, Excludes: s.Excludes}
		if s.Summary != nil {
			n.Files = s.Summary.Files
			if s.Summary.Bytes != nil {
				size := host.Bytes(*s.Summary.Bytes)
				n.Size = &size
			}
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b host.Snapshot) int { return b.At.Compare(a.At) })
	// Restic lists a set anew where its paths were given in another order.
	var newest []host.Snapshot
	place := map[string]int{} // of a set in newest
	for _, s := range out {
		k := s.Host + "\x00" + strings.Join(slices.Sorted(slices.Values(s.Paths)), "\x00")
		i, again := place[k]
		if !again {
			place[k] = len(newest)
			newest = append(newest, s)
			continue
		}
		if b := newest[i].Before; s.Size != nil && (b == nil || *s.Size > *b.Size) {
			newest[i].Before = &s
		}
	}
	return newest, nil
}

type snapshotError struct{}

func (snapshotError) Error() string { return "a snapshot without id or time" }

var errSnapshot = snapshotError{}

// isID tells a full id of restic.
func isID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
