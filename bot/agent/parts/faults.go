package parts

import (
	"fmt"
	"strings"

	"watchstander/bot/config"
	"watchstander/bot/sys"
)

// Faults makes all parts of a file once, for a host that cannot be touched, and says
// which of the file's keys keep the agent from starting: what each part wants of its
// options, it alone knows.
func Faults(c *config.Agent) []config.Fault {
	whole := build(c)
	if whole == nil {
		return nil
	}
	// Which member it is shows where each stands alone.
	var faults []config.Fault
	try := func(field string, change func(*config.Agent)) {
		alone := &config.Agent{Host: c.Host, Zone: c.Zone, State: c.State}
		change(alone)
		if err := build(alone); err != nil {
			_, message, _ := strings.Cut(words(err), ": ")
			faults = append(faults, config.Fault{Field: field, Message: message})
		}
	}
	for i, u := range c.Services.Restart {
		try(fmt.Sprintf("services.restart[%d]", i), func(a *config.Agent) { a.Services.Restart = []string{u} })
	}
	for i, u := range c.Services.Logs {
		try(fmt.Sprintf("services.logs[%d]", i), func(a *config.Agent) { a.Services.Logs = []string{u} })
	}
	if n := c.NixOS; n != nil {
		for i, x := range n.Checks {
			try(fmt.Sprintf("nixos.health_checks[%d]", i), func(a *config.Agent) { a.NixOS = &config.NixOS{Checks: []config.HealthCheck{x}} })
		}
		if n.BuildLock != nil {
			try("nixos.build_lock", func(a *config.Agent) { a.NixOS = &config.NixOS{BuildLock: n.BuildLock} })
		}
	}
	if b := c.Backup; b != nil {
		for i, r := range b.Repositories {
			try(fmt.Sprintf("backup.repositories[%d]", i), func(a *config.Agent) { a.Backup = &config.Backup{Repositories: []config.Repository{r}} })
		}
	}
	if len(faults) > 0 {
		return faults
	}
	// It is of a section as a whole, or of members that do not go together.
	section, message, _ := strings.Cut(words(whole), ": ")
	return []config.Fault{{Field: section, Message: message}}
}

// build makes the parts and drops them.
func build(c *config.Agent) error {
	_, err := Of(c, sys.Host{Name: c.Host, Files: nowhere{}}, Options{})
	return err
}

// nowhere are the files of no host: whoever looks at one has a defect.
type nowhere struct{ sys.Files }

// words is an error on one line: the section, a colon, and what is wrong.
func words(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
