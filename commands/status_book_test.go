package commands

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
)

// TestStatusBook compares what status says of whole hosts, as people read it, with
// testdata/status.txt. Read that file; after a change of words, look at the
// difference and run the test with -update.
func TestStatusBook(t *testing.T) {
	var b strings.Builder
	for _, p := range []struct {
		what, line string
		w          *fakeWorld
	}{
		{"a sick host, and a well one beside it", "status", sickWorld(t)},
		{"the same, of its backups alone", "status backup", sickWorld(t)},
		{"the same, of ZFS on the well one", "status zfs on mars", sickWorld(t)},
		{"by a part of a name", "status rpool", sickWorld(t)},
		{"the bot itself", "status bot", sickWorld(t)},
		{"the agent does not answer: what the kernel tells everybody is left", "status", withoutAgent(t)},
		{"all is well", "status", wellWorld(t)},
	} {
		out, err := ask(t, p.w, observer, "", p.line)
		text := said(t, out, err)
		fmt.Fprintf(&b, "=== %s: %s\n(%s) %s\n", p.what, p.line, out.(bot.Say).Message.Tone, text)
	}
	golden.Check(t, "testdata/status.txt", b.String())
}

// figure is a reading of vulcan, a minute old at most.
func figure(state bot.ReadingState, what, value, note, source string) bot.Reading {
	return bot.Reading{Host: "vulcan", What: what, Value: value, Note: note, Source: source, At: noon, State: state}
}

func agentsFigures() []bot.Reading {
	old := figure(bot.Unknown, "backup b2", "newest snapshot 1 d 7 h ago, as of 5 h ago", "no answer for 5 h: the repository does not answer (exit code 1): dial tcp: lookup api.backblazeb2.com: no such host", "restic snapshots")
	old.At = noon.Add(-5 * time.Hour)
	return []bot.Reading{
		figure(bot.NotOK, "pool rpool", "DEGRADED, 81 % of 960 GiB, scrubbed 12 d ago", "nvme-APPLE_SSD_AP1024N-part3 is FAULTED; it is full to 81 %, and ZFS slows down beyond 80 %", "zpool status -j"),
		figure(bot.OK, "pool tank", "ONLINE, 55 % of 14.5 TiB, scrubbed 11 d ago", "", "zpool status -j"),
		figure(bot.OK, "ARC", "28.1 GiB of at most 32 GiB, 98.4 % hits since ZFS was loaded", "", "/proc/spl/kstat/zfs/arcstats"),
		figure(bot.NotOK, "unit restic-backups-b2.service", "failed: exit-code, 5 h ago", "Backup to Backblaze", "systemd over D-Bus"),
		figure(bot.NotOK, "unit nginx.service", "flaps: started again by systemd 17 times, last 4 min ago", "Nginx Web Server", "systemd over D-Bus"),
		figure(bot.OK, "backup local", "newest snapshot 5 h ago", "", "restic snapshots"),
		figure(bot.OK, "restore local", "verified 3 d ago: 40 files (1.2 GiB) restored and compared with the live file, 0 differ; 11 of 12 data parts read lately", "", "reports of backup.verify"),
		old,
		figure(bot.NotOK, "restore b2", "verified 12 d ago", "more than 9 d", "reports of backup.verify"),
		figure(bot.OK, "generation", "41, NixOS 26.05.20260311.c47aa10, made 6 d ago", "", "/run/current-system"),
		figure(bot.NotOK, "booted system", "is generation 40, another one than runs", "a reboot is pending: kernel, modules of generation 41 are others than those of the booted generation 40", "/run/booted-system, /run/current-system"),
		figure(bot.NotOK, "drift: running system", "", "generation 41 runs, and the profile points at generation 42: that one was not switched to, or only another one tried", "/run/current-system, /nix/var/nix/profiles/system"),
		figure(bot.OK, "generations kept", "5", "", "/nix/var/nix/profiles/system"),
		figure(bot.Unknown, "certificate /var/lib/acme/vulcan.lan/cert.pem", "", "/var/lib/acme/vulcan.lan/cert.pem does not exist", "/var/lib/acme/vulcan.lan/cert.pem"),
	}
}

// kernelsFigures are what the bot reads by itself; some of it the agent knows
// better.
func kernelsFigures(state bot.ReadingState) []bot.Reading {
	return []bot.Reading{
		figure(bot.OK, "load", "2.1 on 20 CPUs", "", "/proc/loadavg"),
		figure(bot.OK, "memory", "61 % of 64 GiB", "", "/proc/meminfo"),
		figure(bot.OK, "pressure", "cpu 1 %, memory 0 %, io 7 %", "", "/proc/pressure"),
		figure(bot.OK, "disk /", "71 % of 960 GiB", "", "statfs"),
		figure(bot.NotOK, "pool rpool", "DEGRADED", "a disk is missing or failing; the data is there, with less redundancy", "/proc/spl/kstat/zfs/rpool/state"),
		figure(state, "pool tank", "ONLINE", "health alone: errors, scrubs and capacity cannot be read without privileges", "/proc/spl/kstat/zfs/tank/state"),
		figure(bot.OK, "uptime", "41 d, since Thu 4 Dec 08:12 CET", "", "/proc/uptime"),
		figure(bot.NotOK, "unit restic-backups-b2.service", "failed: exit-code, 5 h ago (Wed 14 Jan 09:58 CET)", "Backup to Backblaze", "systemd over D-Bus"),
		figure(bot.NotOK, "unit nginx.service", "flaps: started again by systemd 17 times, last 4 min ago", "Nginx Web Server", "systemd over D-Bus"),
		figure(bot.NotOK, "systemd", "degraded", "units have failed", "systemd over D-Bus"),
	}
}

func served() bot.Probe {
	return reads("certificates",
		figure(bot.NotOK, "certificate of vulcan.lan:443", "ends in 5 d (Mon 19 Jan 14:00 CET)", "less than 7 d; /var/lib/nginx-certs/vulcan.pem has a newer one, until Tue 14 Apr 14:00 CEST: the service has not loaded it", "vulcan.lan:443"),
		figure(bot.OK, "certificate of 127.0.0.1:5432 for vulcan.lan", "ends in 80 d (Sat 4 Apr 15:00 CEST)", "", "127.0.0.1:5432"))
}

func bots() []bot.Reading {
	return []bot.Reading{{What: "chat matrix", Value: "listening", At: noon, State: bot.OK}, {What: "agent vulcan", Value: "answers", At: noon, State: bot.OK}}
}

// sickWorld has two hosts with agents, one of which is sick; two plans wait.
func sickWorld(t *testing.T) *fakeWorld {
	w := quietWorld(t)
	w.threads = []bot.ThreadFacts{disk(), load()}
	confirming := planThread("pln_CCCC22", bot.Confirming)
	confirming.State.Plan.Proposal.ConfirmBy = noon.Add(9 * time.Minute)
	w.plans = []bot.Thread{planThread("pln_RRRR22", bot.Running), planThread("pln_WWWW22", bot.Waiting), confirming}
	mars := []bot.Reading{reading("mars", "pool zroot", "ONLINE, 12 % of 1.8 TiB, scrubbed 3 d ago", bot.OK), reading("mars", "ARC", "3.1 GiB of at most 8 GiB, 99 % hits since ZFS was loaded", bot.OK),
		reading("mars", "generation", "7, NixOS 26.05, made 20 d ago", bot.OK), reading("mars", "backup local", "newest snapshot 3 h ago", bot.OK)}
	w.probes = []bot.Probe{
		reads("alertmanager main", bot.Reading{What: "alertmanager main", Value: "answers, 14 alerts", Source: "http://127.0.0.1:9093", At: noon, State: bot.OK}),
		reads("agent mars", mars...), reads("agent vulcan", agentsFigures()...), reads("host vulcan", kernelsFigures(bot.OK)...), served(),
	}
	w.health = bots()
	return w
}

// withoutAgent is the sick host whose agent is away.
func withoutAgent(t *testing.T) *fakeWorld {
	w := sickWorld(t)
	w.threads, w.plans = nil, nil
	w.probes = []bot.Probe{
		probe{"agent vulcan", func(context.Context) []bot.Reading {
			return []bot.Reading{figure(bot.Unknown, "what its agent measures", "", "The agent does not answer.", "")}
		}},
		reads("host vulcan", kernelsFigures(bot.OK)...),
	}
	w.health = []bot.Reading{{What: "chat matrix", Value: "listening", At: noon, State: bot.OK}, {What: "agent vulcan", Value: "does not answer", Note: "for 6 min", At: noon, State: bot.NotOK}}
	return w
}

func wellWorld(t *testing.T) *fakeWorld {
	w := quietWorld(t)
	var fine []bot.Reading
	for _, r := range agentsFigures() {
		if r.State == bot.OK {
			fine = append(fine, r)
		}
	}
	w.probes, w.health = []bot.Probe{reads("agent vulcan", fine...)}, bots()
	return w
}
