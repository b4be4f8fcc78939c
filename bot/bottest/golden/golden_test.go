package golden

import "testing"

func TestDifference(t *testing.T) {
	for _, x := range []struct{ got, want, tells string }{
		{"a\nb\n", "a\nb\n", ""},
		{"=== one\na\n=== two\nb\n", "=== one\na\n=== two\nc\n", "=== two, line 4:\n got \"b\"\nwant \"c\""},
		{"a\nb", "a", "2 lines, want 1"},
		{"a", "a\nb", "1 lines, want 2"},
	} {
		if tells := difference(x.got, x.want); tells != x.tells {
			t.Errorf("%q instead of %q: %q, want %q", x.got, x.want, tells, x.tells)
		}
	}
}
