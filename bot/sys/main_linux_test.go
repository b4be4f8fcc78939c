package sys_test

import (
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// part is what the test program does instead of testing when a test starts it
// once more as another process.
const part = "WATCHSTANDER_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "":
		goleak.VerifyTestMain(m)
	case "socket":
		sockets(os.Args[2])
	case "run":
		run()
	case "hold":
		hold(os.Args[1], os.Args[2])
	}
}

// say tells the test that something is so, and waits for the test to have seen
// enough.
func say(what string) {
	os.Stdout.WriteString(what + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
