package restic

import "bytes"

// lineWriter calls line for each line that is written to it. Lines longer than
// mostLine are cut; what follows of them is left out.
type lineWriter struct {
	line    func(string)
	partial []byte
}

// mostLine is longer than any path that a kernel takes, in JSON.
const mostLine = 256 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		if room := mostLine - len(w.partial); len(piece) > room {
			w.partial = append(w.partial, piece[:room]...)
		} else {
			w.partial = append(w.partial, piece...)
		}
		if ended {
			w.flush()
		}
		rest = after
	}
	return len(p), nil
}

func (w *lineWriter) flush() {
	w.line(string(bytes.TrimSuffix(w.partial, []byte{'\r'})))
	w.partial = w.partial[:0]
}

// close tells what stood behind the last line break.
func (w *lineWriter) close() {
	if len(w.partial) > 0 {
		w.flush()
	}
}
