//go:build !linux

package sys

import "errors"

// Real is for Linux alone.
func Real(string) (Host, func() error, error) {
	return Host{}, nil, errors.ErrUnsupported
}
