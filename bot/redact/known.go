package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// minKnown is the shortest known secret. A shorter one would be found by
// chance in ordinary text, and is too weak to be a secret of the bot.
const minKnown = 8

// knownForm is one way in which a known secret can stand in a text.
type knownForm struct {
	name  string
	text  string
	grows bool // hide the whole run of base64 around it
}

// knownSet finds secrets whose value is known. Texts are searched for each
// form in turn: no time depends on how nearly a text matches a secret in a way
// that anybody outside could measure, and there are only a few dozen forms.
type knownSet struct {
	forms []knownForm
	// squeezed are the plain forms without white space, for texts that were
	// wrapped in the middle of a secret.
	squeezed []knownForm
}

func newKnownSet(known []Known) (knownSet, error) {
	var set knownSet
	var faults []error
	for _, k := range known {
		value := strings.TrimSpace(k.Value)
		switch {
		case !validName(k.Name):
			faults = append(faults, fmt.Errorf("known secret %q: a name is lower-case words joined by dashes, at most %d characters", k.Name, maxName))
		case len(value) < minKnown:
			faults = append(faults, fmt.Errorf("known secret %q: shorter than %d bytes", k.Name, minKnown))
		case mask(value) || strings.Contains(value, hole):
			faults = append(faults, fmt.Errorf("known secret %q: not a secret but a placeholder", k.Name))
		default:
			set.add(k.Name, value)
		}
	}
	// Longest first, so that a form is found before one that it contains.
	longer := func(a, b knownForm) int { return len(b.text) - len(a.text) }
	slices.SortStableFunc(set.forms, longer)
	slices.SortStableFunc(set.squeezed, longer)
	return set, errors.Join(faults...)
}

func (set *knownSet) add(name, value string) {
	values := []string{value}
	// A key file has many lines; one of them in a text is a leak as well.
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, l := range lines {
			l = strings.TrimSpace(l)
			if len(l) >= 16 && !strings.HasPrefix(l, "#") && !strings.HasPrefix(l, "-----") {
				values = append(values, l)
			}
		}
	}
	seen := map[string]bool{}
	for _, v := range values {
		for _, text := range plainForms(v) {
			if !seen[text] {
				seen[text] = true
				set.forms = append(set.forms, knownForm{name: name, text: text})
			}
		}
		for _, text := range base64Forms(v) {
			if !seen[text] {
				seen[text] = true
				set.forms = append(set.forms, knownForm{name: name, text: text, grows: true})
			}
		}
		set.squeezed = append(set.squeezed, knownForm{name: name, text: squeeze(v, nil)})
	}
}

// escapes are the escapes of URLs; some programs write them in lower case.
var escapes = regexp.MustCompile(`%[0-9A-F]{2}`)

// plainForms are the ways in which programs quote a text.
func plainForms(v string) []string {
	forms := []string{v, url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v),
		hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v)))}
	forms = append(forms, escapes.ReplaceAllStringFunc(url.QueryEscape(v), strings.ToLower))
	if q, err := json.Marshal(v); err == nil {
		forms = append(forms, string(q[1:len(q)-1]))
	}
	q := fmt.Sprintf("%q", v)
	forms = append(forms, q[1:len(q)-1], strings.ReplaceAll(v, `'`, `'\''`))
	return slices.DeleteFunc(forms, func(f string) bool { return len(f) < minKnown })
}

// base64Forms are those parts of v's base64 that do not depend on its
// neighbours, for each of the three ways in which v can be aligned: a secret
// is seldom encoded alone (Basic authorization encodes user:password).
func base64Forms(v string) []string {
	var forms []string
	for shift := range 3 {
		padded := append(make([]byte, shift), v...)
		whole := len(padded) * 8 / 6 // characters that hold bits of v only
		from := (shift*8 + 5) / 6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, enc.EncodeToString(padded)[from:whole])
		}
	}
	return forms
}

// longest is the length of the longest form, in bytes.
func (set *knownSet) longest() int {
	if len(set.forms) == 0 {
		return 0
	}
	return len(set.forms[0].text)
}

// find emits each occurrence of each known secret.
func (set *knownSet) find(c *call) {
	c.rule = &rule{rank: rankKnown}
	for _, f := range set.forms {
		for at := 0; ; {
			i := strings.Index(c.text[at:], f.text)
			if i < 0 {
				break
			}
			lo, hi := at+i, at+i+len(f.text)
			if f.grows {
				for lo > at && base64Byte(c.text[lo-1]) {
					lo--
				}
				for hi < len(c.text) && base64Byte(c.text[hi]) {
					hi++
				}
			}
			c.emitAs(lo, hi, f.name)
			at = hi
		}
	}
	if len(set.squeezed) == 0 || !strings.ContainsAny(c.text, "\n\r") {
		return
	}
	where := make([]int32, 0, len(c.text))
	tight := squeeze(c.text, &where)
	for _, f := range set.squeezed {
		for at := 0; ; {
			i := strings.Index(tight[at:], f.text)
			if i < 0 {
				break
			}
			at += i + len(f.text)
			c.emitAs(int(where[at-len(f.text)]), int(where[at-1])+1, f.name)
		}
	}
}

func base64Byte(c byte) bool {
	return wordByte(c) || c == '+' || c == '/' || c == '=' || c == '-'
}

// squeeze returns s without white space; where gets the place of each byte kept.
func squeeze(s string, where *[]int32) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; !space(c) {
			out = append(out, c)
			if where != nil {
				*where = append(*where, int32(i))
			}
		}
	}
	return string(out)
}
