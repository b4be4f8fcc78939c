package restic

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"watchstander/bot/host"
)

// mostSnapshots bounds the listing: one snapshot takes about 1 KiB, and only the
// newest of each set is asked for.
const mostSnapshots = 16 << 20

// snapshots lists the newest snapshot of each host and set of paths, the newest
// first; of those with the given ids, or ids that begin so, where there are some.
func (c *client) snapshots(ctx context.Context, limit time.Duration, ids ...string) ([]host.Snapshot, error) {
	args := []string{"snapshots", "--json", "--no-lock"}
	if len(ids) == 0 {
		args = append(args, "--latest=1")
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
	// Restic lists a set twice when its paths were given in another order.
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(s host.Snapshot) bool {
		k := s.Host + "\x00" + strings.Join(slices.Sorted(slices.Values(s.Paths)), "\x00")
		again := seen[k]
		seen[k] = true
		return again
	})
	return out, nil
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
