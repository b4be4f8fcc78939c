package checks

import (
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestVendorHash makes what the package of nix/package.nix is built from, as nixpkgs does: the
// program's own files without nix/, and beside them what `go mod vendor` writes for these. The
// hash must be that of package.nix, or nobody can build it.
func TestVendorHash(t *testing.T) {
	hash := real.Require(t, "nix-hash")
	project, dir := filepath.Join(root, ".."), t.TempDir()
	err := filepath.WalkDir(project, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(project, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "nix" || name == "vendor" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, name), 0o755)
		case filepath.Ext(name) != ".go" && d.Name() != "go.mod" && name != "go.sum": // a go.mod below is where another module begins
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	in := func(program string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, said.String())
		}
		return strings.TrimSpace(string(out))
	}
	in("go", "mod", "vendor")
	sum, err := hex.DecodeString(in(hash, "--type", "sha256", "vendor"))
	if err != nil {
		t.Fatal(err)
	}
	got, want := "sha256-"+base64.StdEncoding.EncodeToString(sum), evaluate[string](t, "tools.pkgs.watchstander.vendorHash")
	if got != want {
		t.Errorf("nix/package.nix has vendorHash = %q; of what go.mod names it is %q", want, got)
	}
}
