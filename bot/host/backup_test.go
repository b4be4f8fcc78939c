package host

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestVerificationState(t *testing.T) {
	for _, tt := range []struct {
		states [3]bot.ReadingState
		want   bot.ReadingState
	}{
		{[3]bot.ReadingState{bot.OK, bot.OK, bot.OK}, bot.OK},
		{[3]bot.ReadingState{bot.OK, bot.OK, bot.Unknown}, bot.Unknown},
		{[3]bot.ReadingState{bot.Unknown, bot.NotOK, bot.OK}, bot.NotOK},
		{[3]bot.ReadingState{bot.OK, bot.OK, ""}, bot.Unknown},
		{[3]bot.ReadingState{}, bot.Unknown},
	} {
		v := Verification{Structure: Judgement{State: tt.states[0], Text: "a"}, Data: Judgement{State: tt.states[1], Text: "b"}, Drill: Judgement{State: tt.states[2], Text: "c"}}
		if v.State() != tt.want || v.String() != "a; b; c" {
			t.Errorf("%q is %s: %s", tt.states, v.State(), v)
		}
	}
	if v := (Verification{Note: "n"}); !strings.HasSuffix(v.String(), "; n") {
		t.Errorf("%s", v)
	}
}

func TestOwnSnapshot(t *testing.T) {
	r := Repository{Host: "vulcan", Newest: []Snapshot{{ID: "x", Host: "mars"}, {ID: strings.Repeat("ab", 32), Host: "vulcan", At: time.Unix(2, 0)}, {Host: "vulcan", At: time.Unix(1, 0)}}}
	if s, ok := r.Own(); !ok || s.Short() != "abababab" || s.At.Unix() != 2 {
		t.Errorf("%+v %v", s, ok)
	}
	if s, ok := (Repository{Host: "vulcan", Newest: r.Newest[:1]}).Own(); ok || s.Short() != "" || r.Newest[0].Short() != "x" {
		t.Errorf("%+v", s)
	}
}

func TestAskingForBackups(t *testing.T) {
	size := 3 * GiB
	l := &looker{answer: Backups{Repositories: []Repository{{Name: "b2", Newest: []Snapshot{{ID: "a", Size: &size}}, Last: &Verification{Sample: Sample{Files: 40}}}}}}
	b, err := BackupsOf(t.Context(), l, "vulcan")
	if err != nil || l.asked != "vulcan backup.status" || *b.Repositories[0].Newest[0].Size != size || b.Repositories[0].Last.Sample.Files != 40 || b.Repositories[0].Unit != nil {
		t.Errorf("%q gave %+v: %v", l.asked, b, err)
	}
	l.answer = ThreeTwoOne{Datasets: []DatasetCopies{{Name: "photos", Copies: []Copy{{Where: LiveCopy}}}}}
	all, err := ThreeTwoOneOf(t.Context(), l, "")
	if err != nil || l.asked != " backup.321" || all.Datasets[0].Copies[0].Where != "live" || all.Datasets[0].Copies[0].Holds != nil {
		t.Errorf("%q gave %+v: %v", l.asked, all, err)
	}
}
