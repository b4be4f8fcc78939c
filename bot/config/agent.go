package config

import (
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/gate"
	"watchstander/bot/host"
)

// Agent is the agent's own file, checked and resolved. It belongs to root alone:
// whoever can write it can do anything that the agent can. It is read only.
type Agent struct {
	// File is the path that it was loaded from, and Digest the SHA-256 of what stood
	// there, in hexadecimal.
	File   string
	Digest string
	// Host is the name of this host, as the bot's file has it too.
	Host string
	// Zone is that of windows which name none.
	Zone *time.Location
	// Socket is the bot's, HumanSocket everybody's who is on the host.
	Socket, HumanSocket string
	// State is the agent's directory.
	State string
	// BotUID is the user that alone may use Socket; -1 where a user's name was not
	// looked up (Parse).
	BotUID int
	People []AgentPerson
	// Policy holds rules without faults; each names a host that may be another one.
	Policy   gate.Policy
	Standing []gate.Standing
	// Busy are units that every run waits for.
	Busy   []string
	NixOS  *NixOS  // nil where the file has none
	ZFS    *ZFS    // nil where the file has none
	Backup *Backup // nil where the file has none
	// Certificates are the paths of PEM files that root alone may read.
	Certificates []string
	Services     Services
	Security     *Security // nil where the file has none
	// Dumps of databases, each with a name of its own.
	Dumps []Dump
	// Documents are looked at by their age; nil where the file has none.
	Documents *Documents
	Log       Log
	// Warnings do not stop the agent; an operator wants to know of them.
	Warnings []Fault
}

// AgentPerson is somebody as the agent knows them. Chat accounts are none of its
// business: its Users are empty.
type AgentPerson struct {
	bot.Person
	// UIDs are their users on the host, never root.
	UIDs []int
	// Keys are the public keys that they sign with: no certificates, none that is
	// weak.
	Keys []ssh.PublicKey
	// Seed is the file with the seed of their time-based codes, in base32; nil where
	// they have none.
	Seed *Secret
}

// Proofs are what the person could prove themselves by.
func (p AgentPerson) Proofs() []bot.StepUp {
	var out []bot.StepUp
	if p.Seed != nil {
		out = append(out, bot.StepTOTP)
	}
	if len(p.UIDs) > 0 {
		out = append(out, bot.StepHost)
	}
	if len(p.Keys) > 0 {
		out = append(out, bot.StepSSH)
	}
	return out
}

// Approvers are all people with their proofs, as the gate wants them.
func (a *Agent) Approvers() []gate.Approver {
	var out []gate.Approver
	for _, p := range a.People {
		out = append(out, gate.Approver{Person: p.Person, StepUp: p.Proofs()})
	}
	return out
}

// Person gives somebody by their name.
func (a *Agent) Person(id bot.PersonID) (AgentPerson, bool) {
	i := slices.IndexFunc(a.People, func(p AgentPerson) bool { return p.ID == id && id != "" })
	if i < 0 {
		return AgentPerson{}, false
	}
	return a.People[i], true
}

// NixOS is what must be known of the host's system beside what it shows itself.
type NixOS struct {
	// Loader is the boot loader that the host must keep, by nixpkgs' id for it: grub,
	// systemd-boot, generic-extlinux-compatible, init-script; "" is whatever the
	// running system has.
	Loader string
	// StateVersion that the host must keep ("25.05"); "" is the running system's.
	StateVersion string
	// KeepGenerations is how many working generations there must remain.
	KeepGenerations int
	// AllowUnmarked: generations that do not say what they are may be gone back to.
	AllowUnmarked bool
	// Settle is how long units are left alone after a switch.
	Settle time.Duration
	// BuildLock is nil where the host's builds take none.
	BuildLock *BuildLock
	Checks    []HealthCheck
	// Vulnix is the file into which `vulnix --system --json` is written, "" for none, and
	// VulnixMaxAge how old that may be.
	Vulnix       string
	VulnixMaxAge time.Duration
	// Build is nil where nothing builds the configuration beside switches.
	Build *ConfigurationBuild
	// Proposed is nil where nobody proposes newer systems, and nothing can be deployed.
	Proposed *ProposedSystem
	// OwnFiles are files in /etc that are there by hand.
	OwnFiles []string
	// Stateful are packages whose data does not go back with them.
	Stateful []string
}

// ProposedSystem is where somebody leaves a newer system for people to agree to.
type ProposedSystem struct {
	// Link leads to it in the store; Report is a file on what was tried, "" for none.
	Link, Report string
}

// BuildLock is a lock that the host's own builds take.
type BuildLock struct {
	Path string
	// Format is flock, fcntl, pidfile or directory, as bot/sys has them.
	Format string
	// Wait is how long it is waited for.
	Wait time.Duration
}

// ConfigurationBuild is a service of the host's own that builds its configuration.
type ConfigurationBuild struct {
	Unit string
	// Result is the link that it leaves, Commit the file on its commit, "" for none.
	Result, Commit string
	// MaxAge is how old the newest that worked may be.
	MaxAge time.Duration
}

// HealthCheck must hold after a switch. Exactly one of Unit, URL and Argv is set.
type HealthCheck struct {
	Name string
	Unit string
	// URL is on this host, and must answer with a status from 200 to 299.
	URL string
	// Argv must end with 0; the first is an absolute path.
	Argv  []string
	Limit time.Duration
}

// ZFS are the bounds of what may be set and what counts as well.
type ZFS struct {
	// Max and Min are what the ARC's limits may be set to.
	Max, Min Range
	// CapacityUsed and QuotaUsed are percentages from which a pool or a dataset with
	// a quota counts as full.
	CapacityUsed, QuotaUsed int
	// ScrubWithin is how old the last scrub may be.
	ScrubWithin time.Duration
	// Snapshots are the datasets of which there ought to be snapshots.
	Snapshots []string
}

// Range is what an amount may be, both ends included; 0 leaves an end open.
type Range struct{ From, To host.Bytes }

// Backup is what is backed up, and where it goes. Paths are absolute.
type Backup struct {
	// Program is restic; "" is the running system's.
	Program string
	// SearchPath is its PATH, for what its backends start; "" for none.
	SearchPath   string
	Scratch      string // "" for none: no restore drills
	Repositories []Repository
	Datasets     []Dataset
	Drill        Drill
	Check        RepositoryCheck
	Ask          Asking
}

// Asking is how often the repositories are asked for their snapshots.
type Asking struct {
	// Every is how often without anybody wanting to know; AtMost how often whoever
	// wants to know. Time bounds one question.
	Every, AtMost, Time time.Duration
}

// Drill bounds a restore drill of one repository.
type Drill struct {
	Files int
	Bytes host.Bytes
	Time  time.Duration
}

// RepositoryCheck bounds the check of one repository.
type RepositoryCheck struct {
	// Parts is in how many parts its data is read, one a week.
	Parts int
	Time  time.Duration
	// LockWait is how long the check waits for whoever holds the repository.
	LockWait time.Duration
}

// Repository is one restic repository.
type Repository struct {
	Name string
	// Location is where it is, LocationFile the file that says so, EnvironmentFile in
	// systemd's format what its backend needs. At least one of them is set, and of
	// the first two one at most.
	Location, LocationFile        string
	EnvironmentFile, PasswordFile string
	// Medium is what it lies on, OffSite that this is elsewhere.
	Medium  string
	OffSite bool
	// SnapshotHost is the name under which this host's snapshots are made; "" is the
	// host's own.
	SnapshotHost string
	// Unit makes backups into it; "" where none is known.
	Unit string
	// Exclude are patterns that its backups leave out.
	Exclude []string
	// MaxAge and VerifyAge are how old its newest snapshot and its last good
	// verification may be; RunTime bounds one backup.
	MaxAge, VerifyAge, RunTime time.Duration
	// LimitDownload is how many bytes a second may come from it; 0 is no limit.
	LimitDownload host.Bytes
}

// Dataset is something that must not be lost.
type Dataset struct {
	Name  string
	Paths []string
	// Medium is what it lies on itself.
	Medium string
}

// Dump is what a database leaves, as files.
type Dump struct {
	Name string
	// Files is an absolute path whose last part may be a pattern.
	Files   string
	MaxAge  time.Duration
	MinSize host.Bytes
}

// Documents are what people rely on, by how old it may be.
type Documents struct {
	// Git is the program's path; "" for the usual one.
	Git   string
	Texts []Document
}

// Document is one text, or several that are looked after together.
type Document struct {
	Name string
	// Files are absolute paths whose last part may be a pattern.
	Files []string
	// WorkTree is the git work tree of the files, "" where their own times count.
	WorkTree string
	MaxAge   time.Duration
}

// Security is what the agent tells of logins, sudo, audit, AppArmor and fail2ban.
type Security struct {
	// BanAfter is after how many failed logins an address should be banned.
	BanAfter int
}

// Services are the units that people may handle.
type Services struct {
	// Restart and Logs are exact names: those that may be restarted, and those whose
	// logs may be read.
	Restart, Logs []string
}
