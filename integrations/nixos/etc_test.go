package nixos_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot/host"
	"watchstander/integrations/nixos"
)

// finding is what drift says of a thing, "" for nothing.
func finding(t *testing.T, v *vulcan, what string, change func(*nixos.Options)) string {
	t.Helper()
	d, err := host.DriftOf(t.Context(), asker{v.integration(t, change).Looks()}, "vulcan")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Findings {
		if f.What == what {
			return fmt.Sprintf("%s | %s", f.State, f.Text)
		}
	}
	return ""
}

func TestDriftOfFiles(t *testing.T) {
	const fine = "ok | all are the configuration's, or what NixOS keeps there"
	own := func(o *nixos.Options) { o.OwnFiles = []string{"/etc/krb5.keytab", "/etc/mine"} }
	tests := []struct {
		name   string
		set    func(*fakeFiles)
		change func(*nixos.Options)
		want   string
	}{
		{"what every host has", func(f *fakeFiles) {
			for _, name := range []string{"machine-id", "passwd", "shadow-", "resolv.conf", ".clean", "ssh/ssh_host_ed25519_key", "ssh/ssh_host_ed25519_key.pub", "nixos/flake.nix", "nixos/hosts/vulcan.nix", "zfs/zpool.cache", "containers/networks/podman.json"} {
				f.file("/etc/"+name, "")
			}
			f.link("/etc/localtime", "/etc/static/localtime")
			f.link("/etc/mtab", "/proc/mounts")
			f.link("/etc/ssh/sshd_config", "/etc/static/ssh/sshd_config")
			f.link("/etc/gone", "/etc/static/gone") // of a former system
			f.link("/etc/direct", toplevel(42)+"/init")
		}, nil, fine},
		{"a file by hand", func(f *fakeFiles) { f.file("/etc/cron.d/mine", "* * * * * root /root/x\n") }, nil,
			"not ok | 1 file is of no configuration, so that no rebuild would bring it: /etc/cron.d/mine"},
		{"more of them", func(f *fakeFiles) {
			f.file("/etc/ssh/sshd_config", "PermitRootLogin yes\n")
			f.file("/etc/passwd.bak", "")
			f.link("/etc/hosts", "/root/hosts")
			f.file("/root/hosts", "")
		}, nil, "not ok | 3 files are of no configuration, so that no rebuild would bring them: /etc/hosts, /etc/passwd.bak, /etc/ssh/sshd_config"},
		{"a copy that NixOS made", func(f *fakeFiles) {
			f.file("/etc/.clean", "sudoers\nssh/authorized_keys.d/alice\n")
			f.file("/etc/sudoers", "")
			f.file("/etc/ssh/authorized_keys.d/alice", "")
		}, nil, fine},
		{"the host's own", func(f *fakeFiles) {
			f.file("/etc/krb5.keytab", "")
			f.file("/etc/mine/a/b", "")
		}, own, fine},
		{"and no other of that beginning", func(f *fakeFiles) { f.file("/etc/mine2", "") }, own, "not ok | 1 file is of no configuration, so that no rebuild would bring it: /etc/mine2"},
		{"a name of somebody's", func(f *fakeFiles) { f.file("/etc/a\nb\x1b[31m", "") }, nil, "not ok | 1 file is of no configuration, so that no rebuild would bring it: /etc/a␤b␛[31m"},
		{"too much", func(f *fakeFiles) {
			for i := range 20_001 {
				f.file(fmt.Sprintf("/etc/many/%d", i), "")
			}
		}, nil, "unknown | not all of it can be looked at"},
		{"too deep", func(f *fakeFiles) { f.file("/etc"+strings.Repeat("/d", 12), "") }, nil, "unknown | not all of it can be looked at"},
		{"an overlay", func(f *fakeFiles) { f.delete("/etc/static"); f.file("/etc/any", "") }, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVulcan()
			test.set(v.files)
			if got := finding(t, v, "files in /etc", test.change); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	o := newVulcan().options()
	o.OwnFiles = []string{"/var/x"}
	if _, err := nixos.New(o); err == nil {
		t.Error("a file outside /etc is taken")
	}
}

func TestDriftOfTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const file = "/var/lib/nixos-config-build/commit.json"
		build := func(o *nixos.Options) {
			o.Build = nixos.Build{Unit: "nixos-config-build.service", Result: "/var/lib/nixos-config-build/result", Commit: file}
		}
		at := fmt.Sprint(time.Now().Unix())
		old := fmt.Sprint(time.Now().Add(-72 * time.Hour).Unix())
		later := fmt.Sprint(time.Now().Add(72 * time.Hour).Unix())
		for text, want := range map[string]string{
			`{"commit":"` + commit + `","changed":0,"at":` + later + `}`: "unknown | of which commit it is was told at a time that is still to come",
			`{"commit":"` + commit + `","changed":0,"at":` + at + `}`:    "ok | it is that of the commit 3f9a1c55d07e",
			`{"commit":"` + commit + `","changed":1,"at":` + at + `}`:    "not ok | 1 file of it is in no commit, beside 3f9a1c55d07e: nobody else could build it",
			`{"commit":"` + commit + `","changed":3,"at":` + at + `}`:    "not ok | 3 files of it are in no commit, beside 3f9a1c55d07e: nobody else could build it",
			`{"commit":"` + commit + `","changed":0,"at":` + old + `}`:   "unknown | of which commit it is was told 3 d ago, which is longer than 2 d",
			`{"commit":"` + commit + `","changed":null,"at":` + at + `}`: "unknown | the build could not tell of which commit it is; is it in git?",
			`{"commit":null,"changed":null,"at":` + at + `}`:             "unknown | the build could not tell of which commit it is; is it in git?",
			`{"commit":"look here","changed":0,"at":` + at + `}`:         "unknown | the build could not tell of which commit it is; is it in git?",
			`{"commit":"` + commit + `","changed":-1,"at":` + at + `}`:   "unknown | the build could not tell of which commit it is; is it in git?",
			`{"commit":"` + commit + `"`:                                 "unknown | of which commit it is cannot be read",
			"":                                                           "unknown | the build has not told yet of which commit it is",
		} {
			v := newVulcan()
			if text != "" {
				v.files.file(file, text)
			}
			if got := finding(t, v, "configuration", build); got != want {
				t.Errorf("of %s\ngot  %s\nwant %s", text, got, want)
			}
		}
		if got := finding(t, newVulcan(), "configuration", nil); got != "" {
			t.Errorf("where no build tells: %s", got)
		}
	})
}
