package nixos

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"watchstander/bot/sys"
)

// inStore is the same host, of whose files only those in the store are seen. A system
// that is proposed may hold links to anywhere: read by root and told to people, they
// would give away what they lead to.
func (n *NixOS) inStore() *NixOS {
	o := n.o
	o.Host.Files = storeFiles{Files: o.Host.Files, store: o.Store}
	return &NixOS{o: o}
}

// storeFiles reads by the path that all links lead to. It has no link in it, and what is
// in the store does not change: so what was judged is what is read.
type storeFiles struct {
	sys.Files
	store string
}

// Resolve also refuses what lies outside.
func (f storeFiles) Resolve(path string) (string, error) {
	at, err := f.Files.Resolve(path)
	if err == nil && !strings.HasPrefix(at, f.store+"/") {
		return "", fmt.Errorf("%s leads out of the store: %w", path, fs.ErrPermission)
	}
	return at, err
}

func (f storeFiles) Read(path string, most int64) ([]byte, error) {
	at, err := f.Resolve(path)
	if err != nil {
		return nil, err
	}
	return f.Files.Read(at, most)
}

func (f storeFiles) Open(path string) (io.ReadCloser, error) {
	at, err := f.Resolve(path)
	if err != nil {
		return nil, err
	}
	return f.Files.Open(at)
}

func (f storeFiles) Stat(path string) (fs.FileInfo, error) {
	at, err := f.Resolve(path)
	if err != nil {
		return nil, err
	}
	return f.Files.Stat(at)
}

func (f storeFiles) List(dir string) ([]fs.DirEntry, error) {
	at, err := f.Resolve(dir)
	if err != nil {
		return nil, err
	}
	return f.Files.List(at)
}
