package zfs

import (
	"testing"

	"watchstander/bot/host"
)

// Whatever way the package finds through the kernel's rules, the module takes it;
// neither limit is ever anything but its former or its new value; and where no way
// is found, none of up to three writes of the wanted values does it.
func TestWay(t *testing.T) {
	steps := []uint64{0, 16 << 20, 32 << 20, 64 << 20, gib, 2 * gib, 4 * gib, 8 * gib, 64 * gib}
	found, none := 0, 0
	for _, cMin := range steps[2:] {
		for _, cMax := range steps[3:] {
			for _, pMin := range steps {
				for _, pMax := range steps {
					if cMin > cMax || cMax >= 64*gib {
						continue
					}
					for _, toMin := range steps[1:] {
						for _, toMax := range steps[1:] {
							m := module{cMin: cMin, cMax: cMax, paramMin: pMin, paramMax: pMax, allmem: 64 * gib}
							k := kernel{limits{host.Bytes(cMin), host.Bytes(cMax)}, host.Bytes(pMin), host.Bytes(pMax), 64 * gib}
							to := limits{host.Bytes(toMin), host.Bytes(toMax)}
							ws, ok := k.way(to)
							if !ok {
								none++
								if reaches(m, toMin, toMax, cMin, cMax, 3) {
									t.Fatalf("%+v: there is a way to %d-%d", m, toMin, toMax)
								}
								continue
							}
							found++
							walk(t, m, ws, toMin, toMax)
						}
					}
				}
			}
		}
	}
	if found < 1000 || none < 1000 {
		t.Errorf("%d ways, %d without: the test tries too little", found, none)
	}
}

func walk(t *testing.T, m module, ws []write, toMin, toMax uint64) {
	t.Helper()
	began := m
	for _, w := range ws {
		m.write(string(w.to), uint64(w.value))
		if m.cMin != began.cMin && m.cMin != toMin || m.cMax != began.cMax && m.cMax != toMax {
			t.Fatalf("%+v to %d-%d: %v passes %d-%d", began, toMin, toMax, ws, m.cMin, m.cMax)
		}
	}
	if m.cMin != toMin || m.cMax != toMax {
		t.Fatalf("%+v to %d-%d: %v ends at %d-%d", began, toMin, toMax, ws, m.cMin, m.cMax)
	}
	if m.write("zfs_something_else", 1); len(ws) > 0 && (m.cMin != toMin || m.cMax != toMax) {
		t.Fatalf("%+v to %d-%d: after %v, the next write of anything leads to %d-%d", began, toMin, toMax, ws, m.cMin, m.cMax)
	}
}

func reaches(m module, toMin, toMax, fromMin, fromMax uint64, depth int) bool {
	if m.cMin == toMin && m.cMax == toMax {
		next := m
		if next.write("zfs_something_else", 1); next.cMin == toMin && next.cMax == toMax {
			return true
		}
	}
	if depth == 0 || m.cMin != fromMin && m.cMin != toMin || m.cMax != fromMax && m.cMax != toMax {
		return false
	}
	lo, hi := m, m
	lo.history, hi.history = nil, nil
	lo.write("zfs_arc_min", toMin)
	hi.write("zfs_arc_max", toMax)
	return reaches(lo, toMin, toMax, fromMin, fromMax, depth-1) || reaches(hi, toMin, toMax, fromMin, fromMax, depth-1)
}

// The orders that the kernel's rules ask for, and what values of old do to them.
func TestOrder(t *testing.T) {
	const g = host.GiB
	for _, c := range []struct {
		name string
		k    kernel
		to   limits
		want []write
	}{
		{"lowering both: the minimum first", kernel{limits: limits{8 * g, 48 * g}, ram: 64 * g}, limits{2 * g, 4 * g}, []write{{arcMin, 2 * g}, {arcMax, 4 * g}}},
		{"raising the minimum above the old maximum: the maximum first", kernel{limits: limits{2 * g, 4 * g}, ram: 64 * g}, limits{8 * g, 32 * g}, []write{{arcMax, 32 * g}, {arcMin, 8 * g}}},
		{"the maximum alone", kernel{limits: limits{2 * g, 48 * g}, ram: 64 * g}, limits{2 * g, 32 * g}, []write{{arcMax, 32 * g}}},
		{"both alike", kernel{limits: limits{2 * g, 48 * g}, ram: 64 * g}, limits{8 * g, 8 * g}, []write{{arcMax, 8 * g}, {arcMin, 8 * g}}},
		{"a maximum that was ignored would hold once the minimum is lower: it is overwritten first",
			kernel{limits{4 * g, 48 * g}, 0, 2 * g, 64 * g}, limits{g, 48 * g}, []write{{arcMax, 48 * g}, {arcMin, g}}},
		{"a minimum that was ignored would hold once the maximum is higher: it is overwritten first",
			kernel{limits{2 * g, 8 * g}, 16 * g, 0, 64 * g}, limits{2 * g, 32 * g}, []write{{arcMin, 2 * g}, {arcMax, 32 * g}}},
	} {
		got, ok := c.k.way(c.to)
		if !ok || len(got) != len(c.want) {
			t.Errorf("%s: %v", c.name, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}
