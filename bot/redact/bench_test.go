package redact

import (
	"strings"
	"testing"
)

// alertText is an alert as the bot shows it, some 2 KiB.
func alertText() string {
	f := newFaker(11)
	return strings.Join([]string{
		"🔴 CRITICAL NodeFilesystemSpaceFillingUp on vulcan:9100 (thr_" + f.of(b32set, 26) + ")",
		"Filesystem on /dev/nvme0n1p2, mounted on /nix, at vulcan:9100 has only 7.42% available space left and is filling up fast.",
		"labels: alertname=NodeFilesystemSpaceFillingUp device=/dev/nvme0n1p2 fstype=zfs instance=vulcan:9100 job=node mountpoint=/nix severity=critical",
		"since 2026-11-23 18:41 UTC (22 min); acked by nobody; silenced: no",
		"changed in the hour before: switch to generation 412 (/nix/store/" + f.of(nixset, 32) + "-nixos-system-vulcan-26.05.20261123.abc1234), restart of postgresql.service",
		"source: http://prometheus:9090/graph?g0.expr=node_filesystem_avail_bytes%7Bfstype%3D%22zfs%22%2Cjob%3D%22node%22%7D+%2F+node_filesystem_size_bytes%7Bjob%3D%22node%22%7D+%2A+100+%3C+10&g0.tab=1",
		"runbook: https://runbooks.example.org/node/filesystem-space-filling-up",
		strings.Repeat("last lines of nix-gc.service: Nov 23 19:03:11 vulcan nix-gc[812]: deleting '/nix/store/"+f.of(nixset, 32)+"-source' (12.3 MiB freed)\n", 8),
	}, "\n")
}

// journalText is 64 KiB of a journal in which nothing is secret, with words that wake rules.
func journalText() string {
	f := newFaker(12)
	var b strings.Builder
	for b.Len() < 64<<10 {
		b.WriteString("Nov 23 19:03:11 vulcan sshd[812]: Accepted publickey for alice from 10.0.0.7 port 50122 ssh2: ED25519 SHA256:" + f.of(b64set, 43) + "\n")
		b.WriteString("Nov 23 19:03:11 vulcan systemd[1]: Started Session 42 of User alice.\n")
		b.WriteString("Nov 23 19:03:12 vulcan postgres[55]: LOG:  connection authorized: user=bob database=app application_name=psql\n")
		b.WriteString("Nov 23 19:03:13 vulcan nginx[99]: 10.0.0.9 - - \"GET /api/v1/query?query=up%7Bjob%3D%22node%22%7D HTTP/1.1\" 200 512 \"-\" \"Grafana/11.2\"\n")
		b.WriteString("Nov 23 19:03:14 vulcan restic[71]: repository " + f.of(hexset, 10) + " opened, key " + f.of(hexset, 8) + ", password is correct\n")
	}
	return b.String()[:64<<10]
}

func benchmark(b *testing.B, text string) {
	r := newTest(b, Options{Known: []Known{{"one", newFaker(13).of(alnum, 30)}, {"two", newFaker(14).of(alnum, 64)}, {"three", newFaker(15).of(urlset, 43)}}})
	r.Redact(text) // compiles what it needs
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Redact(text)
	}
}

func BenchmarkAlert(b *testing.B)   { benchmark(b, alertText()) }
func BenchmarkJournal(b *testing.B) { benchmark(b, journalText()) }

func BenchmarkJournalSecrets(b *testing.B) {
	lines := strings.SplitAfter(journalText(), "\n")
	for i := 0; i < len(lines); i += 20 {
		lines[i] = "Nov 23 19:03:11 vulcan app[1]: connect postgres://bob:" + "Sommer2026!" + "@db/app password=x1y2z3\n"
	}
	benchmark(b, strings.Join(lines, ""))
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Options{IDPrefixes: testPrefixes}); err != nil {
			b.Fatal(err)
		}
	}
}

// The text of the benchmarks is harmless; what hides something in it errs.
func TestBenchmarkTexts(t *testing.T) {
	r := newTest(t, Options{})
	for _, in := range []string{alertText(), journalText()} {
		if out, found := stable(t, r, in); out != in {
			t.Error(found)
		}
	}
}
