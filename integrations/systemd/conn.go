package systemd

import (
	"context"
	"os"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Conn is what the probe needs of a connection to systemd. go-systemd's own
// connection has it; tests bring a fake.
type Conn interface {
	// SystemStateContext gives the Manager's property SystemState.
	SystemStateContext(context.Context) (*dbus.Property, error)
	// ListUnitsFilteredContext gives the units that are in one of the states
	// (of loading, activity or detail).
	ListUnitsFilteredContext(ctx context.Context, states []string) ([]dbus.UnitStatus, error)
	// GetUnitPropertyContext gives a property that all units have.
	GetUnitPropertyContext(ctx context.Context, unit, property string) (*dbus.Property, error)
	// GetUnitTypePropertyContext gives a property of one type of units
	// ("Service").
	GetUnitTypePropertyContext(ctx context.Context, unit, unitType, property string) (*dbus.Property, error)
	Close()
}

var _ Conn = (*dbus.Conn)(nil)

// dial connects to the system bus, or as root, where there is no bus, to systemd
// itself.
func dial(ctx context.Context) (Conn, error) {
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err == nil {
		return conn, nil
	}
	if os.Geteuid() == 0 {
		if conn, err := dbus.NewSystemdConnectionContext(ctx); err == nil {
			return conn, nil
		}
	}
	// Why the bus failed is the reason that counts.
	return nil, err
}
