package bot

import (
	"errors"
	"testing"
)

func TestErrorReadsWell(t *testing.T) {
	refused := errors.New("dial unix /run/w.sock: connection refused")
	for want, err := range map[string]error{
		"It does not answer.": Errorf(CodeUnavailable, "It does not answer."),
		"Name the socket with --socket (dial unix /run/w.sock: connection refused)": Errorf(CodeInvalid, "Name the socket with --socket.").Because(refused),
		"Did you mean it? (a slip)":          Errorf(CodeInvalid, "Did you mean it?").Because(errors.New("a slip")),
		"The bot is away (It is down (why))": Errorf(CodeUnavailable, "The bot is away.").Because(Errorf(CodeUnavailable, "It is down.").Because(errors.New("why."))),
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
