package checks

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestDependenciesAreDrawn runs the script with a real systemd and a real graphviz.
func TestDependenciesAreDrawn(t *testing.T) {
	real.Require(t, "dot")
	real.Require(t, "systemd-analyze")
	bash := real.Require(t, "bash")
	script, err := filepath.Abs(filepath.Join(root, "scripts", "dependencies.sh"))
	if err != nil {
		t.Fatal(err)
	}
	s := real.StartSystemd(t, map[string]string{
		"shop.service":     "[Unit]\nDefaultDependencies=no\nRequires=database.service\nAfter=database.service\n[Service]\nExecStart=/bin/sleep 1000\n",
		"database.service": "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n",
		"else.service":     "[Unit]\nDefaultDependencies=no\nAfter=other.service\n[Service]\nExecStart=/bin/sleep 1000\n",
		"other.service":    "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n",
	}, "shop.service", "else.service", "other.service")
	dir := t.TempDir()
	draw := func(units string) error {
		_, err := s.Do(t.Context(), "env", "-C", dir, "UNITS="+units, bash, script)
		return err
	}
	if err := draw("shop* database.service"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"needs.svg", "order.svg"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var svg struct {
			XMLName xml.Name
			Titles  []string `xml:"g>g>title"`
		}
		if err := xml.Unmarshal(text, &svg); err != nil || svg.XMLName.Local != "svg" {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		all := strings.Join(svg.Titles, "\n")
		if !strings.Contains(all, "shop.service->database.service") || strings.Contains(all, "else.service->other.service") {
			t.Errorf("%s has these lines:\n%s", name, all)
		}
	}

	before, err := os.ReadFile(filepath.Join(dir, "needs.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := draw("nothing-like-it.service"); err == nil || !strings.Contains(err.Error(), "no unit fits") {
		t.Errorf("without a unit: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "needs.svg")); err != nil || string(after) != string(before) {
		t.Errorf("the former picture did not stay: %v", err)
	}
}
