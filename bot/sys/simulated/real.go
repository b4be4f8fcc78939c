package simulated

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"watchstander/bot/sys"
)

// real runs a program of this machine. The tree is not its root, so that the paths
// of the tree are put in and taken out of what it hears and says. That is text
// alone: what it stores (as a backup does) holds this machine's paths.
func (h *Host) real(ctx context.Context, c sys.Command) (sys.Output, error) {
	if _, err := os.Stat(c.Argv[0]); errors.Is(err, fs.ErrNotExist) {
		return sys.Output{}, &fs.PathError{Op: "fork/exec", Path: c.Argv[0], Err: fs.ErrNotExist}
	}
	in := c
	in.Argv = []string{c.Argv[0]}
	for _, a := range c.Argv[1:] {
		in.Argv = append(in.Argv, h.inward(a))
	}
	in.Env = nil
	for _, v := range c.Env {
		in.Env = append(in.Env, h.inward(v))
	}
	if c.Dir != "" {
		in.Dir = h.tree.Outside(c.Dir)
	}
	if c.Stdin != nil {
		var lines []string
		for line := range strings.Lines(string(c.Stdin)) {
			lines = append(lines, h.inward(strings.TrimSuffix(line, "\n"))+line[len(strings.TrimSuffix(line, "\n")):])
		}
		in.Stdin = []byte(strings.Join(lines, ""))
	}
	var said *outward
	if c.Stdout != nil {
		said = &outward{to: c.Stdout, prefix: h.prefix()}
		in.Stdout = said
	}
	if c.Line != nil {
		in.Line = func(stream, line string) { c.Line(stream, h.outward(line)) }
	}
	out, err := sys.Programs{}.Run(ctx, in)
	if said != nil {
		err = errors.Join(err, said.flush())
	}
	out.Stdout, out.Stderr = []byte(h.outward(string(out.Stdout))), []byte(h.outward(string(out.Stderr)))
	return out, err
}

// inward turns "/path" and "name=/path" into paths of this machine, where the
// path, or the directory that holds it, is in the tree.
func (h *Host) inward(s string) string {
	before, path := "", s
	if i := strings.IndexByte(s, '='); i >= 0 && !strings.HasPrefix(s, "/") {
		before, path = s[:i+1], s[i+1:]
	}
	if !strings.HasPrefix(path, "/") || path == "/" {
		return s
	}
	clean := filepath.Clean(path)
	if _, err := h.tree.Stat(clean); err == nil {
		return before + h.tree.Outside(path)
	}
	if dir := filepath.Dir(clean); dir != "/" {
		if _, err := h.tree.Stat(dir); err == nil {
			return before + h.tree.Outside(path)
		}
	}
	return s
}

// prefix is what stands before every path of the tree on this machine, its slash
// included.
func (h *Host) prefix() string { return strings.TrimSuffix(h.tree.Outside("/"), "/") + "/" }

func (h *Host) outward(s string) string { return strings.ReplaceAll(s, h.prefix(), "/") }

// outward puts the paths of the host in place of this machine's in what passes
// through it.
type outward struct {
	to     io.Writer
	prefix string
	kept   []byte // could be the beginning of a path
}

func (o *outward) Write(b []byte) (int, error) {
	all := bytes.ReplaceAll(append(o.kept, b...), []byte(o.prefix), []byte("/"))
	end := len(all)
	for i := max(0, len(all)-len(o.prefix)+1); i < len(all); i++ {
		if strings.HasPrefix(o.prefix, string(all[i:])) {
			end = i
			break
		}
	}
	o.kept = bytes.Clone(all[end:])
	_, err := o.to.Write(all[:end])
	return len(b), err
}

func (o *outward) flush() error {
	if len(o.kept) == 0 {
		return nil
	}
	_, err := o.to.Write(o.kept)
	o.kept = nil
	return err
}
