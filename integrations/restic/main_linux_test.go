package restic

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// partEnv is what the test program does instead of testing when a test starts it
// once more as another process.
const partEnv = "WATCHSTANDER_TEST_PART"

func TestMain(m *testing.M) {
	if os.Getenv(partEnv) == "verify" {
		if err := verifyHere(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(templates.dir); err != nil && templates.dir != "" {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}
