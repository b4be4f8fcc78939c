package host

import (
	"context"
	"strings"
	"time"

	"watchstander/bot"
)

// The looks of integrations/restic.
const (
	// LookBackups takes no arguments and answers Backups. It asks the repositories
	// themselves, but none more often than its configuration lets it.
	LookBackups = "backup.status"
	// LookThreeTwoOne takes no arguments and answers ThreeTwoOne.
	LookThreeTwoOne = "backup.321"
)

// The operations of integrations/restic and their arguments.
const (
	// BackupVerifyOperation takes RepositoryArgument (some names, or all of them
	// when there are none), PartArgument and WeekArgument.
	BackupVerifyOperation bot.OperationName = "backup.verify"
	// BackupRunOperation takes RepositoryArgument: one name.
	BackupRunOperation bot.OperationName = "backup.run"

	RepositoryArgument = "repository"
	// PartArgument is "3/12": which part of the data is read; by itself the one
	// whose turn it is this week.
	PartArgument = "part"
	// WeekArgument is "2026-W48", an ISO week: whose turn it is. By itself it is
	// the week in which the operation is asked for.
	WeekArgument = "week"
)

// Backups are a host's repositories.
type Backups struct {
	At           time.Time    `json:"at"`
	Repositories []Repository `json:"repositories"`
}

// Repository is one repository, as far as it is known.
type Repository struct {
	Name string `json:"name"`
	// Medium is what it lies on, as configured: "b2", "tank". Two repositories on
	// one medium are lost together.
	Medium  string `json:"medium"`
	OffSite bool   `json:"off_site,omitempty"`
	// Host is the one whose snapshots count, as restic knows it.
	Host string `json:"host"`
	// AskedAt is when its snapshots were last listed; zero for never. What is said
	// of them is as old as that.
	AskedAt time.Time `json:"asked_at,omitzero"`
	// Reach tells how the last attempt to list them went, and ReachWhy why it
	// failed, which may be newer than AskedAt.
	Reach    bot.ReadingState `json:"reach"`
	ReachWhy string           `json:"reach_why,omitempty"`
	TriedAt  time.Time        `json:"tried_at,omitzero"`
	// Newest are the newest snapshots of each host and set of paths, the newest
	// first; those of other hosts too.
	Newest []Snapshot `json:"newest"`
	// Unit is what backs up into it; nil where none is configured.
	Unit *BackupUnit `json:"unit,omitempty"`
	// Last is the last verification, whatever came of it; nil for none.
	Last *Verification `json:"last,omitempty"`
	// VerifiedAt is when the last one ended in which everything was found good, and
	// DrilledAt the last one whose restored files were; zero for never.
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	DrilledAt  time.Time `json:"drilled_at,omitzero"`
	// Parts is in how many parts its data is read, and PartsRead those that were
	// found good within the last Parts weeks.
	Parts     int   `json:"parts"`
	PartsRead []int `json:"parts_read"`
	// MaxAge is how old its newest snapshot may be, and VerifyAge its last good
	// verification.
	MaxAge    bot.Seconds `json:"max_age"`
	VerifyAge bot.Seconds `json:"verify_age"`
	// State is the judgement, and Why its reasons where it is not OK.
	State bot.ReadingState `json:"state"`
	Why   []string         `json:"why,omitempty"`
}

// Own is the newest snapshot that counts: of the repository's own host.
func (r Repository) Own() (Snapshot, bool) {
	for _, s := range r.Newest {
		if s.Host == r.Host {
			return s, true
		}
	}
	return Snapshot{}, false
}

// Snapshot is one snapshot of a repository.
type Snapshot struct {
	// ID is restic's full one.
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Host  string    `json:"host"`
	Paths []string  `json:"paths"`
	// Excludes are the patterns that restic recorded with it.
	Excludes []string `json:"excludes,omitempty"`
	// Size is what its files hold, and Files their number; nil where the version
	// of restic that made it did not record them.
	Size  *Bytes `json:"size,omitempty"`
	Files *int64 `json:"files,omitempty"`
	// Before is, of the few snapshots of the same host and paths before it, the one
	// that holds most; nil where nothing is recorded of them.
	Before *Snapshot `json:"before,omitempty"`
}

// Shrunk tells that a snapshot holds less than half of what one before it held, in files
// or in bytes: a source was not mounted, or is gone.
func (s Snapshot) Shrunk() bool {
	b := s.Before
	return b != nil && (s.Size != nil && b.Size != nil && *s.Size < *b.Size/2 || s.Files != nil && b.Files != nil && *s.Files < *b.Files/2)
}

// Short is as much of the id as people write.
func (s Snapshot) Short() string { return s.ID[:min(len(s.ID), 8)] }

// BackupUnit is how the unit is that makes snapshots.
type BackupUnit struct {
	Name   string `json:"name"`
	Active string `json:"active"`
	// Result of its last run: success, exit-code, timeout, …; "" where it never ran.
	Result string    `json:"result,omitempty"`
	Began  time.Time `json:"began,omitzero"`
	// Unknown is why nothing is known of it.
	Unknown string `json:"unknown,omitempty"`
}

// Verification is what came of verifying one repository once.
type Verification struct {
	Repository string     `json:"repository"`
	Plan       bot.PlanID `json:"plan,omitempty"`
	Week       string     `json:"week"` // "2026-W48"
	Part       string     `json:"part"` // "5/12"
	Began      time.Time  `json:"began"`
	Ended      time.Time  `json:"ended"`
	// Restic is its version.
	Restic string `json:"restic,omitempty"`
	// Structure is whether all snapshots lead to data that is there; Data whether
	// the part that was read is what it was written as; Drill whether restored
	// files are what was backed up.
	Structure Judgement `json:"structure"`
	Data      Judgement `json:"data"`
	Drill     Judgement `json:"drill"`
	// PacksRead of the repository's Packs were read for Data.
	PacksRead int `json:"packs_read"`
	Packs     int `json:"packs"`
	// Broken are packs that are known to be damaged, by their ids.
	Broken []string `json:"broken,omitempty"`
	Sample Sample   `json:"sample"`
	// Datasets count what the listed snapshots hold of each configured dataset.
	Datasets []DatasetCount `json:"datasets,omitempty"`
	// Note tells what people should know beside it.
	Note string `json:"note,omitempty"`
}

// State is OK only when everything was found good, and not OK when anything was
// found bad. What was skipped is unknown.
func (v Verification) State() bot.ReadingState {
	state := bot.OK
	for _, f := range []Judgement{v.Structure, v.Data, v.Drill} {
		switch f.State {
		case bot.OK:
		case bot.NotOK:
			return bot.NotOK
		default:
			state = bot.Unknown
		}
	}
	return state
}

// String is the whole report in one line.
func (v Verification) String() string {
	parts := []string{v.Structure.Text, v.Data.Text, v.Drill.Text}
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	return strings.Join(parts, "; ")
}

// Judgement is one judgement; Text is its figures ("1234 packs read, 0 errors"),
// or why it is not OK.
type Judgement struct {
	State bot.ReadingState `json:"state"`
	Text  string           `json:"text"`
}

// Sample counts the files of a restore drill.
type Sample struct {
	// Snapshots are those that files were taken from, by their ids.
	Snapshots []string `json:"snapshots"`
	// Listed are all regular files in them, and TooLarge those that no drill's
	// budget holds. Unnamed have names that restic's own listing garbles.
	Listed   int64 `json:"listed"`
	TooLarge int64 `json:"too_large,omitempty"`
	Unnamed  int64 `json:"unnamed,omitempty"`
	// Files and Bytes were restored and compared: Live of them with the file as it
	// lies on the host, Content with what the snapshot holds.
	Files   int   `json:"files"`
	Bytes   Bytes `json:"bytes"`
	Live    int   `json:"live"`
	Content int   `json:"content"`
	// Differ and Failed name files that were not what they should be, or did not
	// come back; the first few of them.
	Differ []FileFault `json:"differ,omitempty"`
	Failed []FileFault `json:"failed,omitempty"`
	// DifferCount and FailedCount are all of them.
	DifferCount int `json:"differ_count"`
	FailedCount int `json:"failed_count"`
}

// FileFault is one file and what is wrong with it. Its path is made harmless.
type FileFault struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// DatasetCount is what a repository's newest snapshots hold of a dataset.
type DatasetCount struct {
	Name  string `json:"name"`
	Files int64  `json:"files"`
	Bytes Bytes  `json:"bytes"`
}

// ThreeTwoOne are a host's datasets, each with its copies: three of them, on two
// media, one of them off-site.
type ThreeTwoOne struct {
	At       time.Time       `json:"at"`
	Datasets []DatasetCopies `json:"datasets"`
	// Unknown are sentences on what nobody can tell.
	Unknown []string `json:"unknown,omitempty"`
}

// DatasetCopies are the copies of one dataset.
type DatasetCopies struct {
	Name   string   `json:"name"`
	Paths  []string `json:"paths"`
	Copies []Copy   `json:"copies"`
	// Count are the copies for which there is evidence, Media what they lie on, and
	// OffSite how many of them lie elsewhere.
	Count   int      `json:"count"`
	Media   []string `json:"media"`
	OffSite int      `json:"off_site"`
	// State is OK for 3-2-1 by evidence, not OK where even with all that is unknown
	// it would be less.
	State bot.ReadingState `json:"state"`
	Why   []string         `json:"why,omitempty"`
}

// Copy is one copy of a dataset. Only one that is OK counts.
type Copy struct {
	// Where is the repository's name, or "live" for the dataset itself.
	Where   string `json:"where"`
	Medium  string `json:"medium"`
	OffSite bool   `json:"off_site,omitempty"`
	// Snapshot is the age of its evidence, Verified the date of its check; neither
	// is set for the live one.
	Snapshot time.Time        `json:"snapshot,omitzero"`
	Verified time.Time        `json:"verified,omitzero"`
	State    bot.ReadingState `json:"state"`
	// Why are the reasons why it does not count.
	Why []string `json:"why,omitempty"`
	// Uncovered are the parts of the dataset that it leaves out.
	Uncovered []string `json:"uncovered,omitempty"`
	// Holds is what the last verification counted in it; nil where nothing did.
	Holds *DatasetCount `json:"holds,omitempty"`
}

// LiveCopy is a Copy's Where for the dataset itself.
const LiveCopy = "live"

// BackupsOf asks a host for its repositories.
func BackupsOf(ctx context.Context, l bot.Looker, host string) (Backups, error) {
	return ask[Backups](ctx, l, host, LookBackups, nil)
}

// ThreeTwoOneOf asks a host for its datasets' copies.
func ThreeTwoOneOf(ctx context.Context, l bot.Looker, host string) (ThreeTwoOne, error) {
	return ask[ThreeTwoOne](ctx, l, host, LookThreeTwoOne, nil)
}
