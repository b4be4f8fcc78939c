//go:build !linux

package sys

import (
	"context"
	"errors"
	"time"
)

// Programs runs programs on Linux alone.
type Programs struct{ Grace time.Duration }

func (p Programs) Run(context.Context, Command) (Output, error) {
	return Output{}, errors.ErrUnsupported
}
