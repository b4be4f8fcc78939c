package console

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"watchstander/bot"
)

// attachments are the newest pictures and files that came, for /save.
type attachments struct{ kept []attachment }

type attachment struct {
	thread int
	name   string
	data   []byte
}

// maxKept bounds how many are remembered.
const maxKept = 20

func (a *attachments) note(thread int, m bot.Message) {
	for _, b := range m.Blocks {
		x := attachment{thread: thread}
		switch b := b.(type) {
		case bot.Picture:
			x.name, x.data = b.Name, b.PNG
		case bot.File:
			x.name, x.data = b.Name, b.Data
		}
		if len(x.data) > 0 {
			a.kept = append(a.kept, x)
		}
	}
	if over := len(a.kept) - maxKept; over > 0 {
		a.kept = append([]attachment(nil), a.kept[over:]...)
	}
}

// newest gives the last one of a thread, of all for 0.
func (a *attachments) newest(thread int) (attachment, bool) {
	for i := len(a.kept) - 1; i >= 0; i-- {
		if thread == 0 || a.kept[i].thread == thread {
			return a.kept[i], true
		}
	}
	return attachment{}, false
}

// save writes one into a folder, under a name that is a file's own there and
// nothing else. What is there already stays.
func (x attachment) save(dir string) (string, error) {
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name := fileName(x.name)
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for i := range 100 {
		if i > 0 {
			name = fmt.Sprintf("%s-%d%s", stem, i, ext)
		}
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(x.data)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", errors.Join(err, os.Remove(path))
		}
		return path, nil
	}
	return "", fmt.Errorf("%s and a hundred names like it are taken in %s", name, dir)
}

// fileName keeps of a name what every file system and shell takes calmly.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, filepath.Base(filepath.ToSlash(s)))
	// The end tells what it is; a point in front would hide it.
	if s = strings.TrimLeft(s[max(len(s)-80, 0):], ".-_"); s == "" {
		return "attachment"
	}
	return s
}
