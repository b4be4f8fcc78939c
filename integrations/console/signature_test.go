package console

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// proof is what `watchstander approve` prints to be pasted.
const proof = "approve pln_K7QF2M\n" + signatureBegin + "\n" +
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgJKxoLBJBivUPNTUJUSslQTt2hD\n" +
	"ZGF0YQ==\n" + signatureEnd

// A pipe's signature is one message with the command before it, whatever way its
// bytes come; what cannot be one is never sent line by line.
func TestSignatureInAPipe(t *testing.T) {
	s := serve(t, Options{Threaded: func() []string { return []string{"approve"} }})
	s.root("root", diskFull())
	s.pong()
	loose, _ := strings.CutPrefix(proof, "approve pln_K7QF2M\n")
	for name, c := range map[string]struct {
		in   string
		want []string
		says string
	}{
		"as it is printed":  {proof + "\nstatus\n", []string{proof, "status"}, ""},
		"without an end":    {proof, []string{proof}, ""},
		"from another host": {strings.ReplaceAll("\n  "+proof+"\n\n", "\n", "  \r\n"), []string{proof}, ""},
		"behind":            {strings.Replace(proof, "\n", " ", 1) + "\n", []string{strings.Replace(proof, "\n", " ", 1)}, ""},
		"in a thread":       {strings.Replace(proof, "pln_K7QF2M", "t1", 1) + "\n", []string{"approve " + loose}, ""},
		"no command":        {loose + "\nstatus\n", []string{"status"}, "no command before it"},
		"cut off":           {strings.TrimSuffix(proof, signatureEnd) + "status\n", nil, "without its end"},
		"too long":          {strings.Replace(proof, "ZGF0", strings.Repeat("ZGF0\n", maxText/5), 1) + "\nstatus\n", []string{"status"}, "longer than 8 KiB"},
		"a line too long":   {strings.Replace(proof, "ZGF0", strings.Repeat("ZGF0", maxText/4), 1) + "\nstatus\n", []string{"status"}, "longer than 8 KiB"},
		"no base64":         {strings.Replace(proof, "ZGF0", "ZG\x1bF0", 1) + "\n", nil, "It holds control characters"},
	} {
		for _, way := range []string{"reader", "file"} {
			t.Run(name+", "+way, func(t *testing.T) {
				var in io.Reader = strings.NewReader(c.in)
				if way == "file" {
					r, w, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					defer r.Close()
					in = r
					go func() {
						defer w.Close()
						io.WriteString(w, c.in)
					}()
				}
				var out bytes.Buffer
				err := Attach(t.Context(), s.socket, in, &out, named())
				if (err == nil) != (c.says == "") || !strings.Contains(out.String(), c.says) {
					t.Errorf("it shows %q and ends with %v; want %q", out.String(), err, c.says)
				}
				var got []string
				for len(s.sink.taken) > 0 {
					got = append(got, (<-s.sink.taken).Text)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("the bot was told %q, want %q", got, c.want)
				}
			})
		}
	}
}

// At a terminal the prompt says what is awaited; a paste is sent by an Enter of the
// person's own, and Esc and Ctrl-C drop it.
func TestSignatureAtATerminal(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	bob := s.attach(0)
	o := atTerminal(t)
	x := sit(t, s, o)
	x.await("> ")
	keys := strings.ReplaceAll(proof, "\n", "\r")

	// Pasted whole, but for the end of its last line.
	x.press("\x1b[200~" + keys + "\x1b[201~")
	x.await(gatherPrompt + signatureEnd)
	if len(s.sink.taken) != 0 {
		t.Errorf("without an Enter the bot was told %+v", <-s.sink.taken)
	}
	x.press("\r")
	if e := <-s.sink.taken; e.Text != proof {
		t.Errorf("the bot was told %q", e.Text)
	}
	x.await("pong to approve pln_K7QF2M")

	// With that end, and with the next one.
	x.press("\x1b[200~" + keys + "\r\r\x1b[201~")
	x.await(wholePrompt)
	x.press("\r")
	if e := <-s.sink.taken; e.Text != proof {
		t.Errorf("the bot was told %q", e.Text)
	}
	x.await("pong to approve pln_K7QF2M")

	// On a terminal that does not tell what is pasted; and behind a command.
	x.press(keys + "\r")
	if e := <-s.sink.taken; e.Text != proof {
		t.Errorf("the bot was told %q", e.Text)
	}
	x.press("approve pln_K7QF2M \x1b[200~" + strings.SplitN(keys, "\r", 2)[1] + "\r\x1b[201~")
	x.await(wholePrompt)
	x.press("\r")
	if e := <-s.sink.taken; e.Text != strings.Replace(proof, "\n", " ", 1) {
		t.Errorf("the bot was told %q", e.Text)
	}

	half := keys[:len(keys)-len(signatureEnd)]
	for _, key := range []string{"\x1b", "\x03"} {
		x.press(half)
		x.await("ZGF0YQ==")
		x.await(gatherPrompt)
		x.press(key)
		x.await("The signature is dropped; nothing was sent.")
	}
	x.press("\x1b[200~" + keys + "\r\x1b[201~")
	x.await(wholePrompt)
	x.press("\x1b")
	x.await("The signature is dropped; nothing was sent.")
	x.press("\x1b[200~" + keys + "\rrm -rf /\r\x1b[201~")
	x.await("something else stands behind the signature")
	x.press("\x1b[200~" + keys[strings.Index(keys, "\r")+1:] + "\x1b[201~\r")
	x.await("no command before it")

	// The console is as it was, and its history holds no signature.
	x.press("\x1b[A\x1b[A\r")
	if e := <-s.sink.taken; e.Text != "approve pln_K7QF2M" {
		t.Errorf("the second line up is %q", e.Text)
	}
	x.press("status\r")
	if e := <-s.sink.taken; e.Text != "status" {
		t.Errorf("the bot was told %q", e.Text)
	}
	x.press("\x04")
	x.wantEnd("")
	if b, _ := os.ReadFile(o.HistoryFile); bytes.Contains(b, []byte("SIGNATURE")) || bytes.Contains(b, []byte("ZGF0")) || !bytes.Contains(b, []byte("approve pln_K7QF2M\n")) {
		t.Errorf("the history is %q", b)
	}
	// Other consoles see that it was signed, and not six rows of letters.
	p := &painter{zone: time.UTC}
	for {
		w := bob.next()
		if w.Said == nil {
			continue
		}
		if shown := p.said(*w.Said); !strings.Contains(shown, "approve pln_K7QF2M [signature]") {
			t.Errorf("another console shows %q", shown)
		}
		break
	}
}
