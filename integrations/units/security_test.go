package units_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/units"
)

// On the simulated host, as the agent has it: what is told is kept for five minutes, and
// goes with the day.
func TestSecurityOverTime(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		s := k.Security(0)
		read := func() map[string]string {
			out := map[string]string{}
			for _, r := range s.Read(t.Context()) {
				out[r.What] = fmt.Sprintf("%s | %s | %s", r.State, r.Value, r.Note)
			}
			return out
		}
		sshd := func(format string, args ...any) {
			h.Write(simulated.Line{Unit: "sshd.service", Text: fmt.Sprintf(format, args...), Fields: map[string]string{"_UID": "0", "SYSLOG_IDENTIFIER": "sshd-session", "_TRANSPORT": "syslog"}})
		}
		if got := read(); len(got) != 7 || !strings.HasSuffix(got[units.ReadSudo], "the journal goes back 0 s only") || got[units.ReadFail2ban] != "unknown |  | there is no fail2ban.service" {
			t.Errorf("%q", got)
		}
		time.Sleep(25 * time.Hour)
		sshd("Server listening on :: port 22.")
		if got := read(); got[units.ReadRootLogins] != "ok | none | " || got[units.ReadAudit] != "unknown |  | there is no audit in the journal: it is off, or auditd keeps it to itself" {
			t.Errorf("%q", got)
		}
		sshd("Accepted password for root from 192.0.2.7 port 22 ssh2")
		time.Sleep(4 * time.Minute)
		if got := read(); got[units.ReadRootLogins] != "ok | none | " {
			t.Errorf("it was asked again: %q", got)
		}
		time.Sleep(time.Minute)
		if got := read(); got[units.ReadRootLogins] != "not ok | 1 from 192.0.2.7 (1) | nobody should come in as root" || got[units.ReadLogins] != "ok | 1: root from 192.0.2.7 (1) | " {
			t.Errorf("%q", got)
		}
		time.Sleep(24 * time.Hour)
		if got := read(); got[units.ReadRootLogins] != "ok | none | " {
			t.Errorf("%q", got)
		}
		if name := s.Name(); name != "security vulcan" {
			t.Error(name)
		}
		var _ bot.Probe = s
	})
}
