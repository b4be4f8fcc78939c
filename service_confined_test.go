package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// confinedEnv has this program, which is then in the agent's unit, tell what it can
// do there.
const confinedEnv = "WATCHSTANDER_TEST_CONFINED"

const confinedWell = `AF_UNIX: yes
AF_INET: address family not supported by protocol
AF_INET6: address family not supported by protocol
AF_NETLINK: address family not supported by protocol
AF_PACKET: address family not supported by protocol
interfaces: lo
/etc: read-only file system
/usr/local/bin: read-only file system
/home: read-only file system
/run: read-only file system
/run/nixos: yes
/sys/kernel: read-only file system
the state: yes
a mount: operation not permitted
another world: operation not permitted
a device of its own: operation not permitted
`

func confined() error {
	var b strings.Builder
	said := func(what string, err error) {
		word := "yes"
		if err != nil {
			word = err.Error()
			if errno, ok := errors.AsType[syscall.Errno](err); ok {
				word = errno.Error()
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", what, word)
	}
	for _, f := range []struct {
		name   string
		family int
	}{{"AF_UNIX", syscall.AF_UNIX}, {"AF_INET", syscall.AF_INET}, {"AF_INET6", syscall.AF_INET6}, {"AF_NETLINK", syscall.AF_NETLINK}, {"AF_PACKET", syscall.AF_PACKET}} {
		fd, err := syscall.Socket(f.family, syscall.SOCK_DGRAM, 0)
		if err == nil {
			_ = syscall.Close(fd)
		}
		said(f.name, err)
	}
	var names []string
	devices, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(devices)) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			names = append(names, name)
		}
	}
	fmt.Fprintf(&b, "interfaces: %s\n", strings.Join(names, " "))
	state := os.Getenv("STATE_DIRECTORY")
	for _, d := range []string{"/etc", "/usr/local/bin", "/home", "/run", "/run/nixos", "/sys/kernel"} {
		said(d, os.WriteFile(filepath.Join(d, "watchstander-test"), nil, 0o600))
	}
	said("the state", os.WriteFile(filepath.Join(state, "x"), nil, 0o600))
	said("a mount", syscall.Mount("none", "/mnt", "tmpfs", 0, ""))
	said("another world", syscall.Unshare(syscall.CLONE_NEWNS))
	said("a device of its own", syscall.Mknod(filepath.Join(state, "mem"), syscall.S_IFCHR, 1<<8|1))
	return os.WriteFile(filepath.Join(state, "found"), []byte(b.String()), 0o600)
}
