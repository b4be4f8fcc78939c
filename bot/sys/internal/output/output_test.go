package output

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinesComeInPieces(t *testing.T) {
	var got []string
	c := New(10, func(stream, line string) { got = append(got, fmt.Sprintf("%s %d %.5s", stream, len(line), line)) })
	out := c.Stream("stdout")
	for _, p := range []string{"he", "llo\nwor", "ld", "\n", "\n", strings.Repeat("x", 2*LongestLine+3), "\nend"} {
		if n, err := io.WriteString(out, p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	io.WriteString(c.Stream("stderr"), strings.Repeat("y", LongestLine)+"\n")
	stdout, stderr, cut := c.Close(time.Minute)
	if string(stdout) != "hello\nworl" || string(stderr) != "yyyyyyyyyy" || !cut {
		t.Errorf("%q %q %v", stdout, stderr, cut)
	}
	want := "[stdout 5 hello stdout 5 world stdout 0  stdout 65536 xxxxx stdout 65536 xxxxx stdout 3 xxx stderr 65536 yyyyy stdout 3 end]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	io.WriteString(out, "late\n") // lost, and no panic
}

// A listener that hangs holds up neither the program nor the end.
func TestListenerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		told := 0
		c := New(0, func(string, string) { told++; <-free })
		out := c.Stream("stdout")
		for range 3 * waiting {
			io.WriteString(out, "line\n")
		}
		begin := time.Now()
		stdout, _, cut := c.Close(5 * time.Second)
		if took := time.Since(begin); took != 5*time.Second || len(stdout) != 3*waiting*5 || cut {
			t.Errorf("%s, %d bytes, cut %v", took, len(stdout), cut)
		}
		close(free)
		synctest.Wait()
		if told != 1 {
			t.Errorf("%d lines were told, some of them after the end", told)
		}
	})
}

// A slow listener hears everything that fits the queue.
func TestListenerIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		c := New(0, func(string, string) { told++; time.Sleep(time.Millisecond) })
		for range 1000 {
			io.WriteString(c.Stream("stderr"), "line\n")
		}
		c.Close(2 * time.Second)
		if told != 1000 {
			t.Errorf("%d lines were told", told)
		}
	})
}

// Long lines that nobody takes do not fill the memory; when they are taken, the next
// ones are told again.
func TestLongLinesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		told, bytes := 0, 0
		c := New(10, func(_, line string) { <-free; told++; bytes += len(line) })
		out := c.Stream("stdout")
		long := strings.Repeat("x", LongestLine) + "\n"
		for range 1000 {
			io.WriteString(out, long)
			synctest.Wait()
		}
		close(free)
		synctest.Wait()
		if bytes < waitingBytes || bytes > waitingBytes+LongestLine { // and the one that was taken
			t.Errorf("%d lines of %d bytes in all were told", told, bytes)
		}
		was := told
		io.WriteString(out, long)
		if c.Close(time.Minute); told != was+1 {
			t.Errorf("%d lines were told after them", told-was)
		}
	})
}
