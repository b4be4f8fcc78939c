package nixos

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"watchstander/bot/sys"
)

// within is the same host, of whose files only those are seen that Nix knows a system to
// need. A system that is proposed may hold links to anywhere: read by root and told to
// people, they would give away what they lead to.
func (n *NixOS) within(ctx context.Context, at string) (*NixOS, error) {
	// Of what is no valid path nothing is read: the folders of builds that are under way
	// lie in the store, too, and are changed by whoever asked for them.
	out, err := n.ask(ctx, n.nix("path-info", "--recursive", "--", at))
	if late := ctx.Err(); late != nil {
		return nil, late
	}
	valid := map[string]bool{}
	for p := range strings.FieldsSeq(out) {
		valid[p] = true
	}
	if err != nil || !valid[at] {
		return nil, n.refused(goal{system: at}, "Nix does not know %s as a valid path.", tame(at)).Because(err)
	}
	o := n.o
	o.Host.Files = storeFiles{Files: o.Host.Files, store: o.Store, valid: valid}
	return &NixOS{o: o}, nil
}

// storeFiles reads by the path that all links lead to. It has no link in it, and what
// Nix knows as valid does not change: so what was judged is what is read.
type storeFiles struct {
	sys.Files
	store string
	valid map[string]bool
}

// nothing is what units lead to that are masked.
const nothing = "/dev/null"

// Resolve also refuses what lies outside.
func (f storeFiles) Resolve(path string) (string, error) {
	at, err := f.Files.Resolve(path)
	if err != nil || at == nothing {
		return at, err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(at, f.store+"/"), "/")
	if !f.valid[f.store+"/"+name] {
		return "", fmt.Errorf("%s leads out of what the system needs: %w", path, fs.ErrPermission)
	}
	return at, nil
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
