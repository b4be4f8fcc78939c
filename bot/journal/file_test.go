package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := OpenFile(path, hide)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func note(s string) Entry { return Entry{At: morning, Kind: KindNote, Text: s} }

func add(t testing.TB, f *File, s ...string) Head {
	t.Helper()
	var all []Entry
	for _, s := range s {
		all = append(all, note(s))
	}
	h, err := f.AppendAll(all...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func texts(t testing.TB, f *File, after int64) (out []string) {
	t.Helper()
	for e, err := range f.Entries(after) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Text)
	}
	return out
}

func TestAFileGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	if f.Head() != (Head{}) || f.Torn() != nil {
		t.Errorf("a new one: %v, %v", f.Head(), f.Torn())
	}
	first, err := f.Append(note("one, hunter2"))
	if err != nil || first.Seq != 1 || f.Head() != first {
		t.Fatalf("%v, %v", first, err)
	}
	last := add(t, f, "two", "three")
	if last.Seq != 3 || add(t, f) != last {
		t.Errorf("%v", last)
	}
	if _, err := f.Append(Entry{Kind: KindNote}); err == nil || f.Head() != last {
		t.Errorf("an entry without a time was taken: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(note("late")); err == nil {
		t.Error("a closed file takes an entry")
	}

	f = open(t, path)
	if f.Head() != last || f.Torn() != nil {
		t.Errorf("opened again: %v, %v", f.Head(), f.Torn())
	}
	add(t, f, "four")
	if got := texts(t, f, 0); !slices.Equal(got, []string{"one, [redacted: password]", "two", "three", "four"}) {
		t.Errorf("%q", got)
	}
	if got := texts(t, f, 2); !slices.Equal(got, []string{"three", "four"}) {
		t.Errorf("after 2: %q", got)
	}
	if head, err := Verify(f.Entries(2), Head{Seq: 2, Hash: entryAt(t, f, 2).Hash}); err != nil || head != f.Head() {
		t.Errorf("%v, %v", head, err)
	}
	if head, err := Verify(Read(path), Head{}); err != nil || head != f.Head() {
		t.Errorf("read beside the writer: %v, %v", head, err)
	}
}

func entryAt(t *testing.T, f *File, seq int64) Entry {
	t.Helper()
	for e, err := range f.Entries(seq - 1) {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	t.Fatal("there is none")
	return Entry{}
}

func TestOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	if _, err := OpenFile(path, hide); err == nil {
		t.Fatal("it was opened twice")
	} else if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeConflict {
		t.Error(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				if _, err := f.AppendAll(note(fmt.Sprint(i, j)), note("and")); err != nil {
					t.Error(err)
				}
				for _, err := range f.Entries(0) {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if head, err := Verify(Read(path), Head{}); err != nil || head.Seq != 80 {
		t.Errorf("%v, %v", head, err)
	}
}

// A crash leaves any beginning of what was being written.
func TestATornLineIsPutAside(t *testing.T) {
	entries := life(t)
	whole, last := text(t, entries[:4]), text(t, entries[4:])
	cases := map[string][]byte{
		"zeros":               make([]byte, 300),
		"half a line, ended":  append(slices.Clone(last[:40]), '\n'),
		"zeros, ended":        append(make([]byte, 10), '\n'),
		"more than one block": bytes.Repeat([]byte("x"), 10_000),
	}
	for n := 1; n < len(last); n += 13 {
		cases[fmt.Sprintf("%d bytes", n)] = last[:n]
	}
	cases["all but the break"] = last[:len(last)-1]
	for name, tail := range cases {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal")
		if err := os.WriteFile(path, append(slices.Clone(whole), tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		torn := f.Torn()
		if torn == nil || f.Head() != entries[3].Head() {
			t.Fatalf("%s: %v, %v", name, torn, f.Head())
		}
		kept, err := os.ReadFile(torn.Path)
		if err != nil || !bytes.Equal(kept, tail) || torn.Bytes != int64(len(tail)) {
			t.Errorf("%s: kept %q, %v", name, kept, err)
		}
		if ok, _ := filepath.Match(path+".torn-5-*", torn.Path); !ok {
			t.Errorf("%s: kept in %s", name, torn.Path)
		}
		if head := add(t, f, "after the crash"); head.Seq != 5 {
			t.Errorf("%s: %v", name, head)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if f = open(t, path); f.Torn() != nil || f.Head().Seq != 5 {
			t.Errorf("%s: opened again: %v, %v", name, f.Torn(), f.Head())
		}
		_ = f.Close()
	}
}

// The first line of all may be torn too.
func TestATornFirstLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte(`{"at":`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Verify(Read(path), Head{})
	broken(t, "only read", err, 1, FaultTorn)
	f := open(t, path)
	if f.Torn() == nil || add(t, f, "one").Seq != 1 {
		t.Errorf("%v", f.Torn())
	}
}

func TestABrokenFileIsOnlyRead(t *testing.T) {
	good := text(t, life(t))
	for name, bad := range map[string][]byte{
		"a byte in the middle": replaced(good, 50, 'x'),
		"the last entry":       bytes.Replace(good, []byte("it is done"), []byte("it is DONE"), 1),
		"garbage in between":   bytes.Replace(good, []byte("\n"), []byte("\n{\n"), 1),
		"the last in a number": bytes.Replace(good, []byte(`"seq":"5"`), []byte(`"seq":5`), 1),
		"two bad lines":        append(replaced(good, 50, 0), "{\n"...),
	} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(path, hide)
		b, ok := errors.AsType[*Broken](err)
		if f == nil || !ok {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := f.Append(note("x")); !errors.Is(err, b) {
			t.Errorf("%s: an entry: %v", name, err)
		}
		if f.Head() != b.After {
			t.Errorf("%s: the head is %v, want %v", name, f.Head(), b.After)
		}
		n := 0
		for range f.Entries(0) {
			n++
		}
		if n < 5 {
			t.Errorf("%s: %d lines are read", name, n)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
			t.Errorf("%s: it was changed (%v)", name, err)
		}
	}
}

func TestOthersAreKeptOut(t *testing.T) {
	dir := t.TempDir()
	for before, after := range map[os.FileMode]os.FileMode{0o666: 0o640, 0o644: 0o640, 0o640: 0o640, 0o600: 0o600} {
		path := filepath.Join(dir, before.String())
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, before); err != nil {
			t.Fatal(err)
		}
		open(t, path)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != after {
			t.Errorf("%v becomes %v, %v", before, info.Mode(), err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, pipe, dir, filepath.Join(dir, "none", "journal")} {
		if f, err := OpenFile(path, hide); err == nil {
			_ = f.Close()
			t.Errorf("%s was opened", path)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a link led to a new file")
	}
	if _, err := OpenFile(filepath.Join(dir, "x"), nil); err == nil {
		t.Error("opened without a redactor")
	}
}

// An entry must not go into a file that nobody will read.
func TestAFileThatWasTouchedTakesNothing(t *testing.T) {
	for name, touch := range map[string]func(path string) error{
		"moved":   func(path string) error { return os.Rename(path, path+".1") },
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
		},
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"appended": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("{}\n")
			return errors.Join(err, f.Close())
		},
	} {
		path := filepath.Join(t.TempDir(), "journal")
		f := open(t, path)
		head := add(t, f, "one")
		if err := touch(path); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := f.Append(note("two")); err == nil || f.Head() != head {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A full disk takes nothing, leaves nothing behind, and ends nothing.
func TestAWriteThatFails(t *testing.T) {
	if os.Getenv("JOURNAL_LIMITED") == "" {
		// The limit below is one of the whole process, so this is a process of its own.
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAWriteThatFails$")
		cmd.Env = append(os.Environ(), "JOURNAL_LIMITED=yes")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	head := add(t, f, "one")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A limit on files' sizes in the middle of the next line stands for the disk.
	signal.Ignore(syscall.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(len(before)) + 20, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	_, failed := f.Append(note("two"))
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, unix.EFBIG) || f.Head() != head {
		t.Fatalf("%v, %v", failed, f.Head())
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
		t.Errorf("left behind: %q, %v", now, err)
	}
	if add(t, f, "three").Seq != 2 {
		t.Errorf("%v", f.Head())
	}
}

func TestReadMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if _, err := Verify(Read(path), Head{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a file now")
	}
}

func BenchmarkVerify(b *testing.B) {
	all := text(b, life(b))
	for b.Loop() {
		if _, err := Verify(entriesOf(bytes.NewReader(all)), Head{}); err != nil {
			b.Fatal(err)
		}
	}
}
