package console

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// history is what was typed before, the newest last, kept in a file where one
// can be written.
type history struct {
	path  string
	typed []string
	hide  func(string) string
	quiet bool // nothing is remembered for now
}

// maxRemembered is how many lines are kept.
const maxRemembered = 500

// historyPath is where the history is kept when nothing else is said.
func historyPath(env func(string) string) string {
	dir := env("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home := env("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "watchstander", "console_history")
}

// openHistory reads what is there. A history that cannot be kept is no reason
// not to talk.
func openHistory(path string) *history {
	h := &history{path: path}
	if path == "" {
		return h
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	for l := range strings.Lines(string(b)) {
		// It goes to the terminal when it is called up again.
		if l = cleanLine(strings.TrimRight(l, "\n")); l != "" {
			h.typed = append(h.typed, l)
		}
	}
	if len(h.typed) > 2*maxRemembered {
		h.typed = h.typed[len(h.typed)-maxRemembered:]
		_ = os.WriteFile(path, []byte(strings.Join(h.typed, "\n")+"\n"), 0o600)
	}
	return h
}

// Add remembers a line, but for repetitions and those that begin with a blank.
func (h *history) Add(text string) {
	if h.hide != nil {
		text = h.hide(text)
	}
	if h.quiet || strings.Contains(text, signatureBegin) || strings.TrimSpace(text) == "" || text[0] == ' ' || len(h.typed) > 0 && h.typed[len(h.typed)-1] == text {
		return
	}
	h.typed = append(h.typed, text)
	if len(h.typed) > 2*maxRemembered {
		h.typed = append([]string(nil), h.typed[maxRemembered:]...)
	}
	if h.path == "" || os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return
	}
	_ = f.Chmod(0o600)
	_, _ = f.WriteString(text + "\n")
	_ = f.Close()
}

// Len and At make it a term.History.
func (h *history) Len() int { return len(h.typed) }

func (h *history) At(i int) string { return h.typed[len(h.typed)-1-i] }
