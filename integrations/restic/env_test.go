package restic

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// environments are files and what they set, "|" between variables.
var environments = []struct{ name, text, want string }{
	{"plain", "B2_ACCOUNT_ID=0012ab\nB2_ACCOUNT_KEY=K001\n", "B2_ACCOUNT_ID=0012ab|B2_ACCOUNT_KEY=K001"},
	{"no line break at the end", "A=1", "A=1"},
	{"comments and lines that say nothing", "# x=1\n;y=2\n\nnothing\n  A = 1 \n", "A=1"},
	{"a comment goes on behind a backslash", "# a \\\nB=2\nC=3", "C=3"},
	{"blanks within stay", "A=  one  two  \t\n", "A=one  two"},
	{"quotes within are characters", `A=it's "so"`, `A=it's "so"`},
	{"single quotes", `A='a "b" \n $x '`, `A=a "b" \n $x `},
	{"double quotes", `A="a \"b\" \\ \$x \n "`, `A=a "b" \ $x \n `},
	{"quoted pieces", `A='a' "b"c`, "A=abc"},
	{"over several lines", "A=\"one\ntwo\"\nB=3", "A=one\ntwo|B=3"},
	{"continued", "A=one\\\ntwo\nB='x\\\ny'", "A=onetwo|B=x\\\ny"},
	{"escaped", `A=a\ \"b\\`, `A=a "b\`},
	{"an escaped blank at the end", "A=a\\ \nB=", "A=a |B="},
	{"a carriage return ends a line", "A=1\r\nB=2\r\n", "A=1|B=2"},
	{"a hash within", "A=a#b # c", "A=a#b # c"},
	{"equals signs", "A==b=", "A==b="},
	{"the same name twice", "A=1\nA=2", "A=1|A=2"},
}

func TestParseEnvironment(t *testing.T) {
	for _, tt := range environments {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseEnvironment(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, v := range got {
				all = append(all, v.name+"="+v.value)
			}
			if text := strings.Join(all, "|"); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestParseEnvironmentNamesNoSecret(t *testing.T) {
	for text, part := range map[string]string{
		"A=1\nexport S3CRET=hunter2": "line 2",
		"S3 CRET=hunter2":            "line 1",
		"A=\"hunter2\n\nB=3":         "opened in line 1",
		"A='hunter2":                 "line 1",
		"A=\xff\xfe":                 "UTF-8",
		"A=\x00":                     "UTF-8",
		"1A=hunter2":                 "line 1",
	} {
		got, err := parseEnvironment(text)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q gives %q and %v, want %q", text, got, err, part)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "CRET") {
			t.Errorf("%q tells: %v", text, err)
		}
	}
}

func FuzzParseEnvironment(f *testing.F) {
	f.Add("A='b' \"c\"\\\n d\n# e\\\n;f\nG=\\")
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := parseEnvironment(text)
		if err != nil {
			return
		}
		for _, v := range vars {
			if !variableName.MatchString(v.name) || !utf8.ValidString(v.value) || strings.ContainsRune(v.value, 0) {
				t.Errorf("%q sets %q to %q", text, v.name, v.value)
			}
			// What it means can be written so that it is read back.
			quoted := v.name + "='" + strings.ReplaceAll(v.value, "'", `'"'"'`) + "'"
			again, err := parseEnvironment(quoted)
			if err != nil || len(again) != 1 || again[0] != v {
				t.Errorf("%q is read back as %q: %v", quoted, again, err)
			}
		}
	})
}
