package restic

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchstander/bot/host"
)

// Config says what there is to back up and where it goes. Paths are absolute.
type Config struct {
	// Program is restic. SearchPath becomes its PATH, for the programs that some of
	// its backends start (ssh, rclone); "" is none.
	Program    string
	SearchPath string
	// Journalctl is systemd's program, that of the running system, and Journal its
	// directory, where it is not the host's own.
	Journalctl, Journal string
	// State is a directory of the agent's own.
	State string
	// Scratch is where files are restored to be compared: the target of a mount of
	// its own, of which neither backups nor snapshots are made.
	Scratch      string
	Repositories []Repository
	Datasets     []Dataset
	// Parts is in how many parts the data of a repository is read, one a week; 12,
	// at most 256.
	Parts int
	// CheckTime bounds the check of one repository; 4 h. DrillTime, DrillBytes and
	// DrillFiles bound its restore drill; 30 min, 2 GiB, 40 files.
	CheckTime  time.Duration
	DrillTime  time.Duration
	DrillBytes host.Bytes
	DrillFiles int
	// AskTime bounds one listing of snapshots; 1 min. A repository that was asked is
	// not asked again by looks before AskEvery has passed, and by the probe before
	// ProbeEvery; 5 min and 2 h.
	AskTime    time.Duration
	AskEvery   time.Duration
	ProbeEvery time.Duration
	// Elsewhere has another process ask (Refresh), where this one has no network;
	// nil: this one asks. Keep sends it, at intervals of ProbeEvery and at the wish of
	// looks, no more often than AskEvery.
	Elsewhere Errand `json:"-"`
	// LockWait is how long a check waits for whoever holds the repository; 5 min.
	LockWait time.Duration
	// Busy are units that backups and verifications wait for.
	Busy []string
}

// Repository is one restic repository.
type Repository struct {
	// Name is short: lower-case letters, digits, ".", "_" and "-".
	Name string
	// Location is where it is, or LocationFile the file that says so. With neither
	// of them the environment file must name it.
	Location     string
	LocationFile string
	PasswordFile string
	// EnvironmentFile is in systemd's format.
	EnvironmentFile string
	// Medium names what it lies on, and OffSite that this is elsewhere.
	Medium  string
	OffSite bool
	// Host is the name under which this host's snapshots are made; the host's own.
	Host string
	// Unit makes backups into it, "" for none that is known here.
	Unit string
	// Exclude are the patterns that its backups leave out, beside those that restic
	// records with a snapshot (it records none of an --exclude-file).
	Exclude []string
	// MaxAge is how old the newest snapshot may be; 26 h. VerifyAge is how old the
	// last good verification may be; 9 days.
	MaxAge    time.Duration
	VerifyAge time.Duration
	// RunTime bounds one run of Unit; 12 h.
	RunTime time.Duration
	// LimitDownload is in KiB/s; 0 is none.
	LimitDownload int
}

// Dataset is something that must not be lost.
type Dataset struct {
	Name  string
	Paths []string
	// Medium is what it lies on itself.
	Medium string
}

// mostParts is restic's own limit.
const mostParts = 256

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// withDefaults fills in what was left open, for a host of that name.
func (c Config) withDefaults(name string) Config {
	c.Journalctl = cmp.Or(c.Journalctl, "/run/current-system/sw/bin/journalctl")
	c.Parts = cmp.Or(c.Parts, 12)
	c.CheckTime = cmp.Or(c.CheckTime, 4*time.Hour)
	c.DrillTime = cmp.Or(c.DrillTime, 30*time.Minute)
	c.DrillBytes = cmp.Or(c.DrillBytes, 2*host.GiB)
	c.DrillFiles = cmp.Or(c.DrillFiles, 40)
	c.AskTime = cmp.Or(c.AskTime, time.Minute)
	c.AskEvery = cmp.Or(c.AskEvery, 5*time.Minute)
	c.ProbeEvery = cmp.Or(c.ProbeEvery, 2*time.Hour)
	c.LockWait = cmp.Or(c.LockWait, 5*time.Minute)
	c.Repositories = slices.Clone(c.Repositories)
	for i := range c.Repositories {
		r := &c.Repositories[i]
		r.Host = cmp.Or(r.Host, name)
		r.Medium = cmp.Or(r.Medium, r.Name)
		r.MaxAge = cmp.Or(r.MaxAge, 26*time.Hour)
		r.VerifyAge = cmp.Or(r.VerifyAge, 9*24*time.Hour)
		r.RunTime = cmp.Or(r.RunTime, 12*time.Hour)
		if r.Unit != "" && !strings.Contains(r.Unit, ".") {
			r.Unit += ".service"
		}
	}
	return c
}

// Check finds every fault of a configuration. It looks at no file.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	absolute := func(what, p string, optional bool) {
		if !(optional && p == "") && (!strings.HasPrefix(p, "/") || path.Clean(p) != p) {
			fault("%s must be an absolute path without \"..\", not %q", what, p)
		}
	}
	absolute("restic's program", c.Program, false)
	absolute("journalctl", c.Journalctl, true)
	absolute("the journal's directory", c.Journal, true)
	absolute("its state directory", c.State, false)
	absolute("the scratch directory", c.Scratch, true)
	if c.Parts < 0 || c.Parts > mostParts {
		fault("parts must be between 1 and %d", mostParts)
	}
	if c.DrillFiles < 0 || c.DrillFiles > mostSample {
		fault("a restore drill takes between 1 and %d files", mostSample)
	}
	if len(c.Repositories) == 0 {
		fault("there is no repository")
	}
	seen := map[string]bool{}
	for _, r := range c.Repositories {
		if !namePattern.MatchString(r.Name) {
			fault("a repository's name has lower-case letters, digits, \".\", \"_\" and \"-\", at most 64: %q", r.Name)
		}
		if r.Name == host.LiveCopy {
			fault("no repository may have the name %s, which stands for the data itself", r.Name)
		}
		if seen[r.Name] {
			fault("there are two repositories %s", r.Name)
		}
		seen[r.Name] = true
		if r.Location != "" && r.LocationFile != "" {
			fault("repository %s has a location and a file with a location", r.Name)
		}
		if r.Location == "" && r.LocationFile == "" && r.EnvironmentFile == "" {
			fault("repository %s has no location", r.Name)
		}
		if strings.ContainsAny(r.Location, "\x00\r\n") {
			fault("the location of repository %s has a line break", r.Name)
		}
		absolute("the location file of repository "+r.Name, r.LocationFile, true)
		absolute("the password file of repository "+r.Name, r.PasswordFile, true)
		absolute("the environment file of repository "+r.Name, r.EnvironmentFile, true)
		if r.Unit != "" {
			if _, err := host.UnitName(r.Unit); err != nil {
				fault("the unit of repository %s: %v", r.Name, err)
			}
		}
		if r.LimitDownload < 0 {
			fault("the download limit of repository %s is below 0", r.Name)
		}
		for _, p := range r.Exclude {
			if p == "" {
				fault("repository %s has an empty pattern", r.Name)
			}
		}
	}
	datasets := map[string]bool{}
	for _, d := range c.Datasets {
		if d.Name == "" || datasets[d.Name] {
			fault("datasets need names of their own: %q", d.Name)
		}
		datasets[d.Name] = true
		if len(d.Paths) == 0 {
			fault("dataset %s has no path", d.Name)
		}
		for _, p := range d.Paths {
			absolute("a path of dataset "+d.Name, p, false)
		}
		if d.Medium == "" {
			fault("dataset %s does not say what it lies on", d.Name)
		}
	}
	for _, u := range c.Busy {
		if _, err := host.UnitName(u); err != nil {
			fault("a busy unit: %v", err)
		}
	}
	return errors.Join(faults...)
}

// repository finds one by its name.
func (c *Config) repository(name string) (*Repository, bool) {
	for i := range c.Repositories {
		if c.Repositories[i].Name == name {
			return &c.Repositories[i], true
		}
	}
	return nil, false
}

// names are those of all repositories, as configured.
func (c *Config) names() []string {
	names := make([]string, len(c.Repositories))
	for i, r := range c.Repositories {
		names[i] = r.Name
	}
	return names
}
