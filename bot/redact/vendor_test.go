package redact

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
)

var update = flag.Bool("update", false, "write gitleaks/rules.json anew from the version in go.mod")

// currentVendorRules reads the rules of the gitleaks that is in go.mod, less
// those that are left out.
func currentVendorRules(t *testing.T) []byte {
	t.Helper()
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		t.Fatal(err)
	}
	var vc config.ViperConfig
	if err := v.Unmarshal(&vc); err != nil {
		t.Fatal(err)
	}
	cfg, err := vc.Translate()
	if err != nil {
		t.Fatal(err)
	}
	for id := range vendorLeftOut {
		if _, ok := cfg.Rules[id]; !ok {
			t.Errorf("gitleaks has no rule %q (any more) that could be left out", id)
		}
	}
	var lines [][]byte
	for _, id := range slices.Sorted(slices.Values(cfg.OrderedRules)) {
		rl := cfg.Rules[id]
		if vendorLeftOut[id] != "" {
			continue
		}
		switch {
		case rl.Regex == nil || rl.Path != nil || len(rl.Keywords) == 0 || len(rl.RequiredRules) > 0 || rl.SkipReport:
			t.Errorf("gitleaks' rule %q is of a kind that this package does not know; leave it out or learn it", id)
			continue
		case !validName(id):
			t.Errorf("gitleaks' rule %q: its name cannot stand in a marker", id)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(vendorRule{id, rl.Regex.String(), rl.SecretGroup, rl.Entropy, rl.Keywords}); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, bytes.TrimSpace(b.Bytes()))
	}
	return slices.Concat([]byte("[\n"), bytes.Join(lines, []byte(",\n")), []byte("\n]\n"))
}

func TestVendorRules(t *testing.T) {
	want := currentVendorRules(t)
	if *update {
		if err := os.WriteFile("gitleaks/rules.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(vendorData, want) {
		t.Error("gitleaks/rules.json is not what go.mod's gitleaks has: look at the new rules, then run go test ./bot/redact -run TestVendorRules -update")
	}
}

// Every rule compiles, and has a keyword; most have a bound on their reach.
func TestRulesCompile(t *testing.T) {
	var stored []vendorRule
	if err := json.Unmarshal(vendorData, &stored); err != nil {
		t.Fatal(err)
	}
	if len(stored) < 200 {
		t.Errorf("only %d rules of gitleaks", len(stored))
	}
	all := slices.Concat(shapes, contexts)
	for _, v := range stored {
		all = append(all, pattern{name: v.ID, expr: v.Expr, group: v.Group, words: v.Keywords})
	}
	unbounded := 0
	for _, p := range all {
		c := p.compile()
		if len(c.groups) == 0 || len(p.words) == 0 || !validName(p.name) {
			t.Errorf("rule %q: %d groups, %d keywords", p.name, len(c.groups), len(p.words))
		}
		for _, w := range p.words {
			if w != strings.ToLower(w) || len(w) < 2 {
				t.Errorf("rule %q: keyword %q", p.name, w)
			}
		}
		if c.reach == maxReach {
			unbounded++
		}
	}
	if unbounded > len(all)/2 {
		t.Errorf("%d of %d rules reach %d bytes", unbounded, len(all), maxReach)
	}
}
