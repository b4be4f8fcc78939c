package sys

import (
	"context"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// lookers is how many units are asked about at once.
const lookers = 8

// List gives the loaded units that fit, each with all that Unit tells; sorted by
// name. What vanishes while it looks is left out.
func (s *Systemd) List(ctx context.Context, patterns ...string) ([]Unit, error) {
	var found []Unit
	err := s.with(ctx, func(t *talk) error {
		var names []string
		if err := t.ask(func(ctx context.Context) error {
			list, err := t.ListUnitsByPatternsContext(ctx, nil, patterns)
			for _, u := range list {
				if u.LoadState != "not-found" {
					names = append(names, u.Name)
				}
			}
			return err
		}); err != nil {
			return err
		}
		slices.Sort(names)
		units, errs := make([]Unit, len(names)), make([]error, len(names))
		var wg sync.WaitGroup
		next := make(chan int)
		for range min(lookers, len(names)) {
			wg.Go(func() {
				for i := range next {
					units[i], errs[i] = t.unit(names[i])
				}
			})
		}
		for i := range names {
			next <- i
		}
		close(next)
		wg.Wait()
		for i, u := range units {
			if errs[i] != nil {
				return errs[i]
			}
			if u.Load != "not-found" {
				found = append(found, u)
			}
		}
		return nil
	})
	return found, err
}

// Unit gives one. Asked by an alias it is told under that name.
func (s *Systemd) Unit(ctx context.Context, name string) (u Unit, err error) {
	if err := CheckUnitName(name); err != nil {
		return Unit{}, err
	}
	err = s.with(ctx, func(t *talk) error {
		u, err = t.unit(name)
		return err
	})
	return u, err
}

// typed are the types of units that tell more than all do.
var typed = map[string]string{
	"service": "Service", "socket": "Socket", "mount": "Mount", "swap": "Swap",
	"timer": "Timer", "path": "Path", "automount": "Automount", "scope": "Scope",
}

// unit asks about one: a question for what all units have, and one for its type.
func (t *talk) unit(name string) (Unit, error) {
	var all, own map[string]any
	err := t.ask(func(ctx context.Context) (err error) {
		all, err = t.GetUnitPropertiesContext(ctx, name)
		return err
	})
	if err != nil {
		return Unit{}, told(name, err)
	}
	kind := typed[name[strings.LastIndexByte(name, '.')+1:]]
	if kind != "" && property[string](all, "LoadState") != "not-found" {
		err := t.ask(func(ctx context.Context) (err error) {
			own, err = t.GetUnitTypePropertiesContext(ctx, name, kind)
			return err
		})
		if err != nil {
			return Unit{}, told(name, err)
		}
	}
	return unitOf(name, all, own), nil
}

// property is the zero value for whatever is not there, or of another type than
// it should be.
func property[T any](all map[string]any, name string) T {
	v, _ := all[name].(T)
	return v
}

// moment reads a time as systemd tells it, in microseconds since 1970; 0 is never.
func moment(all map[string]any, name string) time.Time {
	micros := property[uint64](all, name)
	if micros == 0 || micros > 1<<53 {
		return time.Time{}
	}
	return time.UnixMicro(int64(micros)).UTC()
}

func unitOf(name string, all, own map[string]any) Unit {
	u := Unit{
		Name:        name,
		Description: property[string](all, "Description"),
		Load:        property[string](all, "LoadState"),
		Active:      property[string](all, "ActiveState"),
		Sub:         property[string](all, "SubState"),
		Fragment:    property[string](all, "FragmentPath"),
		Invocation:  hex.EncodeToString(property[[]byte](all, "InvocationID")),
		Result:      property[string](own, "Result"),
		Type:        property[string](own, "Type"),
		Restarts:    int(property[uint32](own, "NRestarts")),
		MainPID:     int(property[uint32](own, "MainPID")),
		ExitCode:    int(property[int32](own, "ExecMainStatus")),
		Started:     moment(own, "ExecMainStartTimestamp"),
		Memory:      -1,
	}
	// The code says what the status is: killed and dumped processes have a signal's
	// number there (CLD_KILLED and CLD_DUMPED).
	if code := property[int32](own, "ExecMainCode"); code == 2 || code == 3 {
		u.ExitCode += 128
	}
	if bytes, ok := own["MemoryCurrent"].(uint64); ok && bytes <= math.MaxInt64 {
		u.Memory = int64(bytes)
	}
	if u.Started.IsZero() {
		u.Started = moment(all, "InactiveExitTimestamp")
	}
	switch u.Active {
	case "active", "reloading", "refreshing":
		u.Since = moment(all, "ActiveEnterTimestamp")
	case "inactive", "failed":
		u.Since = moment(all, "InactiveEnterTimestamp")
	case "activating":
		u.Since = moment(all, "InactiveExitTimestamp")
	case "deactivating":
		u.Since = moment(all, "ActiveExitTimestamp")
	}
	if u.Since.IsZero() {
		u.Since = moment(all, "StateChangeTimestamp")
	}
	return u
}
