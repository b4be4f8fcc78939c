package redact

import "math"

// wordByte tells whether c can be part of a key or id.
func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }
func letter(c byte) bool {
	return lower(c) || upper(c)
}

// blank tells whether c separates words on one line.
func blank(c byte) bool { return c == ' ' || c == '\t' }

// space tells whether c separates words.
func space(c byte) bool { return blank(c) || c == '\n' || c == '\r' || c == '\v' || c == '\f' }

// tokenByte tells whether c occurs in tokens and keys in base64 and its kin.
func tokenByte(c byte) bool {
	return wordByte(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '.' || c == '~'
}

func tokenBytes(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return true
}

// entropy is Shannon's, in bits per byte.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	sum := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// classes counts the kinds of characters in s.
func classes(s string) (lowers, uppers, digits, others int) {
	for i := range len(s) {
		switch c := s[i]; {
		case lower(c):
			lowers++
		case upper(c):
			uppers++
		case digit(c):
			digits++
		default:
			others++
		}
	}
	return
}
