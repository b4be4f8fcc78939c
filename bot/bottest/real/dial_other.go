//go:build !linux

package real

import (
	"errors"
	"net"
)

// DialAs cannot be done here.
func DialAs(int, string) (net.Conn, error) { return nil, errors.ErrUnsupported }
