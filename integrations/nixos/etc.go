package nixos

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

const (
	etcDir = "/etc"
	// mostEtc is how many entries are looked at, deepEtc how far down.
	mostEtc, deepEtc = 20_000, 8
)

var errMuch = fmt.Errorf("there are more than %d entries, or directories more than %d deep", mostEtc, deepEtc)

// ofSystem are what NixOS and its programs keep in /etc beside what the configuration puts
// there. A name that ends with "/" is a directory with all that is in it.
var ofSystem = []string{
	".clean", ".updated", ".pwd.lock", "NIXOS", "static", "machine-id", "machine-info", "hostname", "hostid", "adjtime", "mtab", "resolv.conf", "resolv.conf.bak",
	"passwd", "passwd-", "shadow", "shadow-", "group", "group-", "gshadow", "gshadow-", "subuid", "subuid-", "subgid", "subgid-",
	"nixos/", "zfs/zpool.cache", "ssh/ssh_host_*", "NetworkManager/system-connections/", "lvm/archive/", "lvm/backup/", "lvm/cache/", "lvm/devices/", "containers/networks/",
	"cups/", "iwd/", "mdadm.conf", "printcap",
}

// etcStrangers are the files in /etc that no configuration put there: neither links into
// the store, nor copies that NixOS made and listed, nor what it is known to keep there, nor
// the host's own exceptions.
func (n *NixOS) etcStrangers(ctx context.Context) ([]string, error) {
	copied := map[string]bool{}
	list, err := n.o.Host.Files.Read(path.Join(etcDir, ".clean"), 1<<20)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	for name := range strings.Lines(string(list)) {
		copied[path.Join(etcDir, strings.TrimSpace(name))] = true
	}
	var found []string
	seen := 0
	var walk func(dir string, deep int) error
	walk = func(dir string, deep int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := n.o.Host.Files.List(dir)
		if isMissing(err) {
			return nil // gone in this very moment
		}
		if err != nil {
			return err
		}
		if seen += len(entries); seen > mostEtc || deep > deepEtc {
			return errMuch
		}
		for _, e := range entries {
			at := path.Join(dir, e.Name())
			if copied[at] || expected(at, e.IsDir(), n.o.OwnFiles) {
				continue
			}
			switch {
			case e.IsDir():
				if err := walk(at, deep+1); err != nil {
					return err
				}
			case e.Type()&fs.ModeSymlink == 0 || !n.intoStore(at):
				found = append(found, at)
			}
		}
		return nil
	}
	err = walk(etcDir, 1)
	slices.Sort(found)
	return found, err
}

// expected tells what may be there without being the configuration's.
func expected(at string, dir bool, own []string) bool {
	for _, name := range ofSystem {
		if all, whole := strings.CutSuffix(name, "/"); whole {
			if dir && at == path.Join(etcDir, all) {
				return true
			}
			continue
		}
		if ok, _ := path.Match(path.Join(etcDir, name), at); ok {
			return true
		}
	}
	return slices.Contains(own, at)
}

// intoStore tells whether a link is one of the configuration's. One that leads nowhere is
// judged by its own text.
func (n *NixOS) intoStore(at string) bool {
	to, err := n.o.Host.Files.Readlink(at)
	if err != nil {
		return false
	}
	if strings.HasPrefix(to, etcDir+"/static/") || strings.HasPrefix(to, n.o.Store+"/") {
		return true
	}
	real, err := n.o.Host.Files.Resolve(at)
	return err == nil && strings.HasPrefix(real, n.o.Store+"/")
}

// filesFinding: is all of /etc the configuration's?
func (n *NixOS) filesFinding(ctx context.Context, d *host.Drift) {
	const what = "files in /etc"
	if _, err := n.o.Host.Files.Resolve("/etc/static"); err != nil {
		return // it is made in another way, of which etcFindings tells
	}
	switch strangers, err := n.etcStrangers(ctx); {
	case err != nil:
		add(d, what, etcDir, bot.Unknown, "not all of it can be looked at: "+tame(err.Error()))
	case len(strangers) > 0:
		for i := range strangers {
			strangers[i] = tame(strangers[i])
		}
		add(d, what, etcDir, bot.NotOK, phrase.Count(len(strangers), "file is of no configuration, so that no rebuild would bring it", "files are of no configuration, so that no rebuild would bring them")+": "+phrase.Some(strangers, 8))
	default:
		add(d, what, etcDir, bot.OK, "all are the configuration's, or what NixOS keeps there")
	}
}
