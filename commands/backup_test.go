package commands

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// backupLooks are what vulcan's agent answers: the disk in the cellar has not been
// verified for long, and mail lies in b2 alone.
func backupLooks() map[string]any {
	good := host.Verification{
		Repository: "b2", Part: "5/12", Ended: noon.Add(-72 * time.Hour),
		Structure: host.Judgement{State: bot.OK, Text: "structure ok"}, Data: host.Judgement{State: bot.OK, Text: "data part 5/12: 1,234 packs read, 0 errors"},
		Drill: host.Judgement{State: bot.OK, Text: "40 files (1.2 GiB) restored and compared with the live file, 0 differ"}, Note: "never restored: 2 files larger than the drill's 2 GiB",
	}
	late := good
	late.Drill = host.Judgement{State: bot.Unknown, Text: "restore drill skipped: the time for the drill (30 min) was over"}
	late.Note, late.Ended = "", noon.Add(-24*time.Hour)
	id := strings.Repeat("ab", 32)
	return map[string]any{
		host.LookBackups: host.Backups{At: noon, Repositories: []host.Repository{
			{Name: "b2", Medium: "b2", OffSite: true, Host: "vulcan", AskedAt: noon, Reach: bot.OK, State: bot.OK, Last: &good, VerifiedAt: good.Ended, Parts: 12,
				PartsRead: []int{1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12},
				Newest: []host.Snapshot{
					{ID: id, Host: "vulcan", At: noon.Add(-6 * time.Hour), Paths: []string{"/home", "/srv"}, Size: new(3 * host.GiB)},
					{ID: id, Host: "vulcan", At: noon.Add(-7 * time.Hour), Paths: []string{"/etc"}}, {ID: id, Host: "mars", At: noon, Paths: []string{"/"}}},
				Unit: &host.BackupUnit{Name: "restic-b2.service", Active: "inactive", Result: "success", Began: noon.Add(-6 * time.Hour)}},
			{Name: "usb", Medium: "usb", Host: "vulcan", AskedAt: noon.Add(-2 * time.Hour), Reach: bot.OK, State: bot.NotOK, Why: []string{"it was last verified 20 d ago, more than 9 d"},
				Last: &late, VerifiedAt: noon.Add(-480 * time.Hour), Newest: []host.Snapshot{{ID: id, Host: "vulcan", At: noon.Add(-8 * time.Hour), Paths: []string{"/home"}}}},
		}},
		host.LookThreeTwoOne: host.ThreeTwoOne{At: noon, Unknown: []string{"What --one-file-system leaves out is not recorded."}, Datasets: []host.DatasetCopies{
			{Name: "photos", Paths: []string{"/srv/photos"}, Count: 3, Media: []string{"tank", "usb", "b2"}, OffSite: 1, State: bot.OK, Copies: []host.Copy{
				{Where: host.LiveCopy, Medium: "tank", State: bot.OK},
				{Where: "b2", Medium: "b2", OffSite: true, State: bot.OK, Snapshot: noon.Add(-6 * time.Hour), Verified: good.Ended, Uncovered: []string{"*.tmp", "/srv/photos/.thumbs"},
					Holds: &host.DatasetCount{Files: 1204, Bytes: 7 * host.GiB}},
			}},
			{Name: "mail", Paths: []string{"/var/mail"}, Count: 1, Media: []string{"tank"}, State: bot.NotOK, Why: []string{"there is evidence for 1 copy of 3"}, Copies: []host.Copy{
				{Where: "usb", Medium: "usb", State: bot.NotOK, Why: []string{"/var/mail is not backed up into it"}},
				{Where: "b2", Medium: "b2", OffSite: true, State: bot.Unknown, Snapshot: noon.Add(-6 * time.Hour), Why: []string{"the repository was never verified as a whole"}},
			}},
		}},
	}
}

func TestBackupStatus(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "backup status")
	want := `2 repositories; usb is not ok
b2 on b2, off-site
- newest snapshot Wed 14 Jan 09:00 CET (6 h ago): /home, /srv, 3 GiB (abababab)
- it also holds 1 other set of paths and snapshots of 1 other host
- restic-b2.service: success, started Wed 14 Jan 09:00 CET (6 h ago)
- verified Sun 11 Jan 15:00 CET (3 d ago): structure ok; data part 5/12: 1,234 packs read, 0 errors; 40 files (1.2 GiB) restored and compared with the live file, 0 differ; never restored: 2 files larger than the drill's 2 GiB
- data parts read within 12 weeks: 11 of 12, not 4
usb on usb
- not ok: it was last verified 20 d ago, more than 9 d
- newest snapshot Wed 14 Jan 07:00 CET (8 h ago): /home (abababab)
- not verified Tue 13 Jan 15:00 CET (1 d ago): structure ok; data part 5/12: 1,234 packs read, 0 errors; restore drill skipped: the time for the drill (30 min) was over
- last verified in full Thu 25 Dec 2025 15:00 CET (20 d ago)
- its snapshots as of Wed 14 Jan 13:00 CET (2 h ago)
(backup verify asks to check them and to restore a sample; backup 321 tells which data has three copies.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneWarning || strings.Join(w.asked, "|") != "backup.status" {
		t.Errorf("tone %s, asked %q", tone, w.asked)
	}
	for _, c := range []struct {
		states []bot.ReadingState
		tone   bot.Tone
		want   string
	}{
		{nil, bot.ToneUnknown, "No repository is configured"},
		{[]bot.ReadingState{bot.OK}, bot.ToneOK, "1 repository; all is well"},
		{[]bot.ReadingState{bot.OK, bot.Unknown}, bot.ToneUnknown, "2 repositories; not everything is known of r1"},
		{[]bot.ReadingState{bot.NotOK, bot.NotOK, "strange"}, bot.ToneWarning, "3 repositories; r0, r1 are not ok; not everything is known of r2"},
	} {
		b := host.Backups{}
		for i, s := range c.states {
			b.Repositories = append(b.Repositories, host.Repository{Name: fmt.Sprintf("r%d", i), State: s})
		}
		if tone, text := backupsHeadline(b); tone != c.tone || text.String() != c.want {
			t.Errorf("%s (%s), want %s (%s)", text, tone, c.want, c.tone)
		}
	}
}

func TestBackup321(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "backup 3-2-1 on vulcan")
	want := `3-2-1: there is evidence for 1 of 2 datasets; not for mail
photos: 3 copies, 3 media, 1 off-site (/srv/photos)
- the data itself on tank
- b2 on b2, off-site: snapshot 6 h old, verified 3 d ago, 1204 files (7 GiB) counted in it; leaves out *.tmp /srv/photos/.thumbs
mail: 1 copy, 1 medium, 0 off-site (/var/mail)
- there is evidence for 1 copy of 3
- usb on usb; it does not count: /var/mail is not backed up into it
- b2 on b2, off-site: snapshot 6 h old; whether it counts is unknown: the repository was never verified as a whole
Unknown
- What --one-file-system leaves out is not recorded.
(A copy counts while its snapshot is fresh and its repository was verified lately.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneWarning || strings.Join(w.asked, "|") != "vulcan backup.321" {
		t.Errorf("tone %s, asked %q", tone, w.asked)
	}
	w.looks[host.LookThreeTwoOne] = host.ThreeTwoOne{Datasets: []host.DatasetCopies{{Name: "a", State: bot.OK}, {Name: "b", State: bot.Unknown}}}
	out, err = ask(t, w, observer, "", "backup 321")
	mustContain(t, said(t, out, err), "3-2-1: there is evidence for 1 of 2 datasets; unknown for b\n")
	w.looks[host.LookThreeTwoOne] = host.ThreeTwoOne{}
	out, err = ask(t, w, observer, "", "backup 321")
	mustContain(t, said(t, out, err), "No dataset is configured\n")
}

func TestBackupAsks(t *testing.T) {
	for line, want := range map[string]string{
		"backup verify":                     "backup.verify",
		"backup verify b2":                  "backup.verify repository=b2",
		"Backup verify B2 usb":              "backup.verify repository=b2,usb",
		"backup verify b2 part 3/12":        "backup.verify part=3/12 repository=b2",
		"backup verify b2 --part 3/12":      "backup.verify part=3/12 repository=b2",
		"backup verify —part=3/12 b2":       "backup.verify part=3/12 repository=b2",
		"backup verify part 03/12":          "backup.verify part=3/12",
		"backup verify b2 part 1/1 on mars": "mars backup.verify part=1/1 repository=b2",
		"backup run b2":                     "backup.run repository=b2",
		"backup run nas.lan on mars":        "mars backup.run repository=nas.lan",
		"!backup run tonight":               "backup.run repository=tonight",
	} {
		out, err := ask(t, newWorld(t), operator, "", line)
		a, ok := out.(bot.Ask)
		got := strings.TrimSpace(a.Host + " " + string(a.Operation))
		for _, name := range []string{"part", "repository"} {
			if v := a.Arguments[name]; len(v) > 0 {
				got += " " + name + "=" + strings.Join(v, ",")
			}
		}
		if err != nil || !ok || got != want {
			t.Errorf("%q is %q: %v, want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"backup verify part":                       "backup verify part: PART needs a number, e.g. `part 3/12`. Usage: `backup verify [REPOSITORY…] [part N/T] [on NAME]`",
		"backup verify part 13/12":                 "`13/12` (word 4) is no part; write e.g. `part 3/12`: the third of twelve.",
		"backup verify --part=x b2":                "`--part=x` (word 3) is no part; write e.g. `part 3/12`: the third of twelve.",
		"backup verify part 1/2 part 2/2":          "`part` (word 5) is given twice.",
		"backup verify b2; reboot":                 "`b2;` (word 3) is no repository's name and no part; write e.g. `backup verify b2 part 3/12`. `backup status` lists the repositories.",
		"backup verify --read-data":                "`--read-data` (word 3) is no repository's name and no part; write e.g. `backup verify b2 part 3/12`. `backup status` lists the repositories.",
		"backup run":                               "backup run: into which repository? There are b2, usb; write e.g. `backup run b2`.",
		"backup run $(x)":                          "`$(x)` (word 3) is no repository's name; `backup status` lists them.",
		"backup run b2 usb":                        "backup run b2 usb: `usb` (word 4) is more than I can read here. Usage: `backup run [REPOSITORY] [on NAME]`",
		"backup":                                   "`backup` needs another word: `backup status`, `backup 321`, `backup verify`, `backup run`.",
		"backup status all":                        "backup status all: `all` (word 3) is more than I can read here. Usage: `backup status [on NAME]`",
		"backup verify " + strings.Repeat("x", 65): "`" + strings.Repeat("x", 40) + "…` (word 3) is no repository's name and no part; write e.g. `backup verify b2 part 3/12`. `backup status` lists the repositories.",
	} {
		_, err := ask(t, newWorld(t), operator, "", line)
		wantError(t, err, bot.CodeInvalid, want)
	}
	for line, name := range map[string]string{"backup verify b2": "backup verify", "backup run b2": "backup run"} {
		_, err := ask(t, newWorld(t), observer, "", line)
		wantError(t, err, bot.CodeForbidden, "Sorry: `"+name+"` needs the role operator.")
	}
}

// Where there is one repository, it is meant; whatever else keeps to itself.
func TestBackupRunIntoTheOnlyOne(t *testing.T) {
	w := newWorld(t)
	b := w.looks[host.LookBackups].(host.Backups)
	for n, want := range []string{"backup run: no repository is configured.", ""} {
		b.Repositories = b.Repositories[:n]
		w.looks[host.LookBackups] = b
		b = backupLooks()[host.LookBackups].(host.Backups)
		for line, of := range map[string]string{"backup run": "", "backup run on mars": "mars"} {
			out, err := ask(t, w, operator, "", line)
			if want != "" {
				wantError(t, err, bot.CodeNotFound, want)
				continue
			}
			a, ok := out.(bot.Ask)
			if err != nil || !ok || a.Host != of || a.Arguments.One(host.RepositoryArgument) != "b2" {
				t.Errorf("%s: %+v, %v", line, out, err)
			}
		}
	}
	w.lookErr = bot.Errorf(bot.CodeUnavailable, "The agent does not answer.")
	_, err := ask(t, w, operator, "", "backup run")
	wantError(t, err, bot.CodeUnavailable, "The agent does not answer.")
}
