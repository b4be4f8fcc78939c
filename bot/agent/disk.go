package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"watchstander/bot/fsync"
)

// disk writes small files so that a crash leaves the old one or the new one, and
// never a part. Names are relative to its directory.
type disk struct {
	dir string
	// fail is asked before each step that a crash could come before; an error ends
	// the writing just there. Tests crash with it; nil is never.
	fail func(step string) error
}

func (d disk) path(name string) string { return filepath.Join(d.dir, name) }

func (d disk) step(what, name string) error {
	if d.fail == nil {
		return nil
	}
	return d.fail(what + " " + name)
}

// write puts a whole file in place of the former one, and waits for the disk.
func (d disk) write(name string, data []byte) error {
	temporary, err := d.temporary(name, data)
	if err != nil {
		return err
	}
	if err := d.step("rename", name); err != nil {
		return err
	}
	if err := os.Rename(temporary, d.path(name)); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return d.settle(name)
}

// create is write for a file that must not be there yet; who comes second gets
// fs.ErrExist. Of several that try, one alone succeeds.
func (d disk) create(name string, data []byte) error {
	temporary, err := d.temporary(name, data)
	if err != nil {
		return err
	}
	if err := d.step("link", name); err != nil {
		return err
	}
	err = os.Link(temporary, d.path(name))
	if err = errors.Join(err, os.Remove(temporary)); err != nil {
		return err
	}
	return d.settle(name)
}

// temporary writes the bytes into a new file beside name, on the disk before it
// returns.
func (d disk) temporary(name string, data []byte) (string, error) {
	if err := d.step("write", name); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(d.path(name)), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	half := len(data) / 2
	_, err = f.Write(data[:half])
	if err == nil {
		if err := d.step("finish", name); err != nil {
			return "", errors.Join(err, f.Close())
		}
		_, err = f.Write(data[half:])
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// settle waits until the name itself is on the disk.
func (d disk) settle(name string) error {
	if err := d.step("settle", name); err != nil {
		return err
	}
	return fsync.Dir(filepath.Dir(d.path(name)))
}

// mkdir makes a directory of the agent's own; that it is there is no error.
func (d disk) mkdir(name string) error {
	if err := d.step("mkdir", name); err != nil {
		return err
	}
	if err := os.Mkdir(d.path(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsync.Dir(filepath.Dir(d.path(name)))
}

// read gives a whole file of at most most bytes.
func (d disk) read(name string, most int64) ([]byte, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	return b, nil
}

func (d disk) writeJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.write(name, append(b, '\n'))
}

func (d disk) createJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.create(name, append(b, '\n'))
}

func (d disk) readJSON(name string, most int64, v any) error {
	b, err := d.read(name, most)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// remove removes a file or a directory with all that is in it.
func (d disk) remove(name string) error {
	if err := d.step("remove", name); err != nil {
		return err
	}
	return os.RemoveAll(d.path(name))
}

// sweep removes what a crash left half written.
func (d disk) sweep(dir string) error {
	names, err := filepath.Glob(filepath.Join(d.path(dir), ".new-*"))
	for _, n := range names {
		err = errors.Join(err, os.Remove(n))
	}
	return err
}
