package plan

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// normal is a copy of v in which what says the same is the same: no nil lists or
// maps, and times in UTC. The error names the first place that holds what no
// canonical form can.
func normal(what string, v any) (any, error) {
	out, err := normalize(reflect.ValueOf(v), what)
	if err != nil {
		return nil, err
	}
	return out.Interface(), nil
}

func normalize(v reflect.Value, path string) (reflect.Value, error) {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		if why := TextFault(v.String()); why != "" {
			return out, invalid("%s %s.", path, why)
		}
		return v, nil
	case reflect.Bool:
		return v, nil
	case reflect.Int, reflect.Int64:
		// bot.Count and bot.Seconds, which are written as text.
		if v.Int() < 0 {
			return out, invalid("%s is below zero.", path)
		}
		return v, nil
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			if why := timeFault(t); why != "" {
				return out, invalid("%s %s.", path, why)
			}
			out.Set(reflect.ValueOf(t.UTC()))
			return out, nil
		}
		for i := range v.NumField() {
			f, err := normalize(v.Field(i), path+"."+member(v.Type().Field(i)))
			if err != nil {
				return out, err
			}
			out.Field(i).Set(f)
		}
		return out, nil
	case reflect.Slice:
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			e, err := normalize(v.Index(i), fmt.Sprintf("%s[%d]", path, i+1))
			if err != nil {
				return out, err
			}
			out.Index(i).Set(e)
		}
		return out, nil
	case reflect.Map:
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for it := v.MapRange(); it.Next(); {
			name := fmt.Sprintf("%s[%q]", path, it.Key())
			k, err := normalize(it.Key(), name)
			if err != nil {
				return out, err
			}
			e, err := normalize(it.Value(), name)
			if err != nil {
				return out, err
			}
			out.SetMapIndex(k, e)
		}
		return out, nil
	}
	// A new member of the words that has no place in a canonical form.
	return out, bot.Errorf(bot.CodeInternal, "%s is a %s, which has no canonical form.", path, v.Type())
}

func member(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func timeFault(t time.Time) string {
	switch u := t.UTC(); {
	case u.Nanosecond()%int(time.Millisecond) != 0:
		return "is no time in whole milliseconds"
	case u.Year() < 1 || u.Year() > 9999:
		return "is out of all time"
	}
	return ""
}

// TextFault says why a text cannot stand in a plan, "" when it can: "holds the
// hidden character U+202E". People must see all that they agree to, and texts
// that look the same must be the same as far as that can be had. What bot/clean
// wrote can stand there, but for tabs, joiners and selectors (emoji made of
// several signs), and what is newer than our Unicode.
func TextFault(s string) string {
	if !utf8.ValidString(s) {
		return "is no valid UTF-8"
	}
	if strings.HasPrefix(s, "\n") {
		return "begins with an empty line" // which nobody would see
	}
	for _, r := range s {
		switch {
		case r == '\n' || r == ' ' || r == 0xA0 || r == 0x202F: // the blanks within figures
		case unicode.IsControl(r):
			return fmt.Sprintf("holds the control character U+%04X", r)
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Zs), unicode.Is(unicode.Variation_Selector, r), r == 0x2800:
			return fmt.Sprintf("holds the hidden character U+%04X", r)
		case !unicode.IsGraphic(r): // nobody knows how a terminal shows it, if at all
			return fmt.Sprintf("holds U+%04X, which is no character yet", r)
		}
	}
	if clean.Text(s) != s {
		return "holds a character that does not show, or too many marks on one letter"
	}
	return ""
}
