//go:build !linux

package real

import "syscall"

// dieWithParent has no equal here: a test program that panics may leave its
// children behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
