package slack

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"testing"
)

// An error tells its cause, and never an address, which may be a secret, or a token.
func TestWrap(t *testing.T) {
	const upload = "https://files.slack.com/upload/v1/secret"
	for _, x := range []struct {
		err  error
		want string
	}{
		{&url.Error{Op: "Post", URL: upload, Err: x509.UnknownAuthorityError{}}, "slack: x509: certificate signed by unknown authority"},
		{&url.Error{Op: "Post", URL: upload, Err: errors.New("unexpected EOF")}, "slack: unexpected EOF"},
		{&url.Error{Op: "Post", URL: upload, Err: errors.New("redirected to " + upload)}, "slack: the call failed"},
		{errors.New("token xoxb-1 is none"), "slack: the call failed"},
		{errors.New("websocket: bad handshake"), "slack: websocket: bad handshake"},
	} {
		if got := wrap(x.err).Error(); got != x.want || strings.Contains(got, "secret") {
			t.Errorf("%v is told as %q, want %q", x.err, got, x.want)
		}
	}
}
