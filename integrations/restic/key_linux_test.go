package restic

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"watchstander/bot/bottest/real"
)

// A key of restic's costs whoever makes one, and whoever opens the repository, half a
// second of scrypt, and tests open one dozens of times. So each restic makes a
// repository once, with a key that costs nothing (real.MakeRepository), and each test
// gets a copy; all else is what restic wrote. CI, which has the time, makes each
// repository anew and keeps restic's own keys.
func (b *bench) create(t testing.TB, name string) {
	t.Helper()
	if os.Getenv(real.RequireEnv) == "1" {
		b.restic(t, name, "init")
		return
	}
	templates.mu.Lock()
	defer templates.mu.Unlock()
	if templates.dir == "" {
		var err error
		templates.dir, err = os.MkdirTemp("", "watchstander-restic-")
		must(t, err)
	}
	// Of two repositories of one host none is the other's copy.
	from := filepath.Join(templates.dir, fmt.Sprintf("%s-%d", b.version, len(b.config.Repositories)))
	if _, err := os.Stat(from); err != nil {
		must(t, real.MakeRepository(b.program, from, "correct horse"))
	}
	must(t, os.CopyFS(b.place(name), os.DirFS(from)))
}

// templates are made as they are needed; TestMain removes them.
var templates struct {
	mu  sync.Mutex
	dir string
}
