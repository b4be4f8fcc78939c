package restic

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Lines of restic 0.14 and 0.19, shortened.
const listing = `{"time":"2026-11-27T19:02:01.7Z","paths":["/tmp"],"id":"d4b9","struct_type":"snapshot"}
{"name":"src","type":"dir","path":"/src","mtime":"2026-11-27T19:01:58Z","struct_type":"node"}
{"name":"a","type":"file","path":"/src/a","size":6,"mtime":"2026-11-27T19:01:58.591765404Z","ctime":"2026-11-27T19:01:58.619765403Z","struct_type":"node"}
{"name":"e","type":"file","path":"/src/e","mtime":"2026-11-27T19:01:58Z","inode":4,"message_type":"node","struct_type":"node"}
{"name":"bad\ufffdname","type":"file","path":"/src/bad\ufffdname","size":2,"message_type":"node","struct_type":"node"}
{"name":"n\nl","type":"file","path":"/src/n\nl","size":1,"struct_type":"node"}
{"name":"fifo","type":"fifo","path":"/src/fifo","struct_type":"node"}
{"name":"link","type":"symlink","path":"/src/link","struct_type":"node"}
`

func TestList(t *testing.T) {
	var n listed
	var got []node
	w := &lineWriter{line: func(line string) { n.take(line, func(n node) { got = append(got, n) }) }}
	// In pieces of any size.
	for i := 0; i < len(listing); i += 7 {
		if k, err := w.Write([]byte(listing[i:min(i+7, len(listing))])); err != nil || k == 0 {
			t.Fatal(err)
		}
	}
	w.close()
	if n != (listed{files: 3, unnamed: 1}) || len(got) != 3 {
		t.Fatalf("%+v %+v", n, got)
	}
	if got[0].path != "/src/a" || got[0].size != 6 || got[0].ctime.Nanosecond() != 619765403 || got[1].size != 0 || got[2].path != "/src/n\nl" {
		t.Errorf("%+v", got)
	}
	for _, line := range []string{"no JSON", `{"message_type":"error"}`, `{"struct_type":"node","type":"file","path":"relative"}`,
		`{"struct_type":"node","type":"file","path":"/x","size":-1}`, `{"struct_type":"node","type":"file","path":"/x\u0000"}`, `[]`} {
		before := n.odd
		n.take(line, func(node) { t.Errorf("%q is a file", line) })
		if n.odd != before+1 {
			t.Errorf("%q is not odd", line)
		}
	}
}

// A line without end is cut, and the next one is whole again.
func TestLinesAreBounded(t *testing.T) {
	var got []string
	w := &lineWriter{line: func(line string) { got = append(got, line) }}
	for range 100 {
		_, _ = w.Write([]byte(strings.Repeat("x", 10000)))
	}
	_, _ = w.Write([]byte("\nshort\r\n\nlast"))
	w.close()
	if len(got) != 4 || len(got[0]) != mostLine || got[1] != "short" || got[2] != "" || got[3] != "last" {
		t.Errorf("%d lines, the first of %d bytes: %q", len(got), len(got[0]), got[1:])
	}
}

func FuzzListLine(f *testing.F) {
	for line := range strings.Lines(listing) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var n listed
		n.take(line, func(n node) {
			if !strings.HasPrefix(n.path, "/") || n.size < 0 || !utf8.ValidString(n.path) || strings.ContainsAny(n.path, "\x00\uFFFD") {
				t.Errorf("%q is the file %q", line, n.path)
			}
			// No pattern of it may be another path's.
			if p := literal(n.path); !fits(p, n.path) && !strings.Contains(n.path, "/") {
				t.Errorf("%q does not fit %q", p, n.path)
			}
		})
		if n.files+n.unnamed+n.odd > 1 {
			t.Errorf("%q counts as %+v", line, n)
		}
	})
}
