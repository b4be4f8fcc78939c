package real

import "syscall"

// dieWithParent makes the kernel kill the child when the test program goes
// away without cleaning up: after a panic, or when go test's own time is over.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
