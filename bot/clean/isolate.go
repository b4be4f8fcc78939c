package clean

import "strings"

const (
	fsi = "\u2068" // first strong isolate
	pdi = "\u2069" // its end
)

// Isolate fences lines that hold right-to-left letters, so that they cannot turn their
// neighbours around. It is for a text that Text has seen, and comes last.
func Isolate(s string) string {
	if !strings.ContainsFunc(s, rightToLeft) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.ContainsFunc(line, rightToLeft) {
			lines[i] = fsi + line + pdi
		}
	}
	return strings.Join(lines, "\n")
}

func rightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x08FF || r >= 0xFB1D && r <= 0xFDFF || r >= 0xFE70 && r <= 0xFEFE ||
		r >= 0x10800 && r <= 0x10FFF || r >= 0x1E800 && r <= 0x1EFFF
}
