package restic

import (
	"testing"

	"watchstander/bot/sys"
)

// A unit is busy in whichever state its program runs.
func TestBusy(t *testing.T) {
	for _, x := range []struct {
		active, sub string
		want        bool
	}{
		{"active", "running", true}, {"active", "exited", false}, {"activating", "start", true}, {"deactivating", "stop", true},
		{"reloading", "reload", true}, {"refreshing", "refresh-extensions", true}, {"inactive", "dead", false}, {"failed", "failed", false},
	} {
		if got := busy(sys.Unit{Active: x.active, Sub: x.sub}); got != x.want {
			t.Errorf("%s (%s): busy is %v", x.active, x.sub, got)
		}
	}
}
