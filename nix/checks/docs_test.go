package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	linkOfDocs   = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	optionInDocs = regexp.MustCompile("`((?:services\\.)?watchstander\\.[a-z][A-Za-z0-9.]*[A-Za-z0-9])`")
)

// TestDocsOfTheHost: links of docs/host lead to files, and options that are named there, in
// the manual and in the runbooks are options.
func TestDocsOfTheHost(t *testing.T) {
	var options []string
	for _, o := range evaluate[[]option](t, "documented") {
		options = append(options, o.Name)
	}
	found := filesOf(t, "../docs/host", ".md")
	if len(found) == 0 {
		t.Fatal("there is none")
	}
	found = append(append(found, filesOf(t, "../docs/runbooks", ".md")...), filesOf(t, "../README.md", ".md")...)
	for _, name := range []string{"options", "manual", "prd", "plan", "host-mark"} {
		found = append(found, filepath.Join(root, "../docs", name+".md"))
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linkOfDocs.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "/") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", path, m[1])
			}
		}
		for _, m := range optionInDocs.FindAllStringSubmatch(string(text), -1) {
			// A name that people choose, or one of several, stands for any.
			told := strings.Split(m[1], ".")
			named := func(o string) bool {
				for i, part := range strings.Split(o, ".") {
					if i < len(told) && part != told[i] && told[i] != "NAME" && part != "<name>" {
						return false
					}
				}
				return true
			}
			if strings.HasSuffix(m[1], ".service") {
				continue
			}
			if !slices.ContainsFunc(options, named) {
				t.Errorf("%s names %s, which is no option", path, m[1])
			}
		}
	}
}

// TestNixOfTheDocs: what people are told to write into a host's configuration evaluates, and no
// assertion speaks against it.
func TestNixOfTheDocs(t *testing.T) {
	block := regexp.MustCompile("(?sm)^```nix\n(.*?)^```") // what is indented is an example of an option
	found := 0
	for _, path := range append(filesOf(t, "../docs", ".md"), filesOf(t, "../README.md", ".md")...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range block.FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(b[1], "{") { // a whole flake
				continue
			}
			found++
			// Where people read the runbooks is theirs to say, and who listens beside the bot.
			out := instantiate(t, "--eval", "--strict", "--json", "-E", `
				let
				  t = (import ./. { }).tools;
				  host = t.evaluate [ ({ config, lib, pkgs, ... }: { `+b[1]+` }) { networking.hostName = "house"; } ];
				in builtins.deepSeq [ host.services.watchstander.settings host.services.watchstander.agent.settings host.services.nginx.virtualHosts ] (t.broken host)`)
			if said := strings.TrimSpace(string(out)); said != "[]" {
				t.Errorf("%s: %s\n%s", path, b[1], said)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d were found", found)
	}
}

// TestProgramsOfTheRunbooks: what people are told to type on the host is there: with NixOS
// itself, with the service that it is about, or because a module of ours brings it.
func TestProgramsOfTheRunbooks(t *testing.T) {
	there := map[string]bool{}
	for name := range strings.FieldsSeq(`
		awk bash cat cd cp curl date df diff dmesg du echo env export find findmnt getent grep gunzip head install ip iptables-save
		journalctl last less ls lsblk machinectl mkdir modprobe mount nano nix nix-env nix-shell nix-store nixos-enter
		mv nixos-generate-config nixos-install nixos-rebuild ping ps read readlink rsync shred sort ss ssh-keygen sudo sysctl
		systemctl systemd-analyze systemd-cgtop systemd-delta tail tee test timedatectl udevadm umount uniq uptime wc xargs zcat
		blkdiscard mkfs.vfat sgdisk

		aa-status arc_summary auditctl aureport ausearch fail2ban-client initdb nft pg_ctl podman psql restic-b2 restic-local
		sshd zfs zpool watchstander git
	`) {
		there[name] = true
	}
	brought := map[string]string{"amtool": "prometheus-alertmanager", "dot": "graphviz", "smartctl": "smartmontools"}
	packages := evaluate[struct{ Vulcan []string }](t, "packages").Vulcan
	// What comes by `nix shell` or `nix-shell` in the same block, what is run on another
	// machine, and what is asked only where it is.
	elsewhere := map[string]bool{"restic": true, "step": true, "chronyc": true, "nmap": true}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```")
	quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`)
	for _, path := range append(filesOf(t, "../docs/host", ".md"), filesOf(t, "../docs/runbooks", ".md")...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range block.FindAllStringSubmatch(string(text), -1) {
			for _, part := range regexp.MustCompile(`[|;\n]+|&&|\$\(`).Split(quoted.ReplaceAllString(b[1], "/x"), -1) {
				words := strings.Fields(part)
				for len(words) > 0 && (strings.Contains(words[0], "=") || slices.Contains([]string{"sudo", "time", "do", "done", "for", "-u", "postgres", "in", "["}, words[0])) {
					words = words[1:]
				}
				if len(words) == 0 || strings.Contains(words[0], "/") || !regexp.MustCompile(`^[a-z][a-z0-9._-]+$`).MatchString(words[0]) || strings.Contains(part, " in ") {
					continue
				}
				name := words[0]
				from := brought[name]
				if from == "" {
					from = name
				}
				if !there[name] && !elsewhere[name] && !slices.Contains(packages, from) {
					t.Errorf("%s: %s is nothing that a host has by itself, and no module brings it: %s", path, name, strings.TrimSpace(part))
				}
			}
		}
	}
}

// TestBackupsGoToB2: nothing tells people of another place than the plan's.
func TestBackupsGoToB2(t *testing.T) {
	for _, folder := range []string{"../docs", "hosts", "modules", "alerts", "dashboards"} {
		for _, path := range filesOf(t, folder, "") {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if strings.Contains(line, "rsync.net") && !strings.Contains(line, "B2") && !strings.Contains(line, "are wrong") {
					t.Errorf("%s: %s", path, line)
				}
			}
		}
	}
}
