package matrix

import (
	"fmt"
	"testing"
)

// An invitation that comes while its room is being entered in vain is not lost.
func TestAnInvitationDuringAJoin(t *testing.T) {
	f := &fakeTransport{}
	d := newDoorman(newFake(t, f))
	tries := 0
	f.join = func(room string) error {
		if tries++; tries == 1 {
			d.add(room, true) // told meanwhile
			return &CallError{Call: "join", Status: 403, Code: "M_FORBIDDEN"}
		}
		return nil
	}
	d.add(ops, true)
	if err := d.answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tries != 2 || len(d.pending) != 0 {
		t.Errorf("%d tries, %d pending", tries, len(d.pending))
	}
}

// Our own room goes before the strangers' that came first.
func TestOwnRoomsGoBetweenRejections(t *testing.T) {
	f := &fakeTransport{}
	d := newDoorman(newFake(t, f))
	left := 0
	f.leave = func(string) error {
		if left++; left == 1 {
			d.add(ops, true)
		}
		return nil
	}
	f.join = func(string) error {
		if left != 1 {
			t.Errorf("%d strangers went before", left)
		}
		return nil
	}
	for i := range 5 {
		d.add(fmt.Sprintf("!stranger%d:evil.test", i), false)
	}
	if err := d.answer(t.Context()); err != nil || left != 5 {
		t.Errorf("%v, %d", err, left)
	}
}
