package bot

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// full is a message in which every field that can hold text does.
func full() Message {
	text := Text{{Text: "secret", Style: Bold, URL: "secret"}}
	return Message{
		Tone:  ToneCritical,
		Title: text,
		Note:  text,
		Blocks: []Block{
			Para{text}, Fields{[]Field{{"secret", text}}}, List{[]Text{text}}, Pre{"secret"},
			Picture{Name: "secret", PNG: []byte{1}, Alt: "secret", Width: 1, Height: 1},
			File{Name: "secret", Type: "text/plain", Data: []byte("secret")},
		},
		Actions: []Action{{Name: "secret", Emoji: "✅", Label: "secret", Danger: true, Then: "secret", Choices: []Choice{{Name: "secret", Label: "secret"}}, Form: &Form{About: "secret", Questions: []Question{{Word: "secret", Label: "secret", Hint: "secret", Optional: true, Long: true}}}, URL: "https://secret"}},
		Over:    true, Whole: true, Aside: true,
	}
}

// TestMapMissesNothing walks a message by reflection: wherever text can stand,
// the redactor must have seen it. A new field or block that Map forgets fails
// here.
func TestMapMissesNothing(t *testing.T) {
	m := full().Map(func(s string) string { return strings.ReplaceAll(s, "secret", "hidden") })
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if strings.Contains(v.String(), "secret") {
				t.Errorf("%s was not mapped", path)
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				if strings.Contains(string(v.Bytes()), "secret") {
					t.Errorf("%s was not mapped", path)
				}
				return
			}
			for i := range v.Len() {
				walk(path+"[]", v.Index(i))
			}
		case reflect.Interface, reflect.Pointer:
			walk(path, v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				// Words of our own code, which no outside text reaches.
				if f.Type == reflect.TypeFor[Tone]() || f.Type == reflect.TypeFor[Style]() || f.Name == "Emoji" || f.Name == "Type" {
					continue
				}
				if v.Field(i).IsZero() && f.Type.Kind() != reflect.Bool {
					t.Errorf("%s.%s is empty in this test's message", path, f.Name)
				}
				walk(path+"."+v.Type().Name()+"."+f.Name, v.Field(i))
			}
		}
	}
	walk("", reflect.ValueOf(m))
	if len(m.Blocks) != 6 {
		t.Errorf("%d blocks", len(m.Blocks))
	}
}

func TestMapLeavesTheOriginal(t *testing.T) {
	m := full()
	m.Map(func(string) string { return "x" })
	if !reflect.DeepEqual(m, full()) {
		t.Error("Map changed its receiver")
	}
}

func TestMessagesSurviveTheState(t *testing.T) {
	data, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var back Message
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, full()) {
		t.Errorf("%+v", back)
	}
	if err := json.Unmarshal([]byte(`{"blocks":[{"hologram":{}}]}`), &back); err == nil {
		t.Error("a block of a newer version was taken for nothing")
	}
}

func TestQuoted(t *testing.T) {
	got := Quoted("Did you mean `status`? Write `help`.")
	want := Text{T("Did you mean "), M("status"), T("? Write "), M("help"), T(".")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestCanonicalLabels(t *testing.T) {
	a, b := Labels{"a": "1", "b": "2"}, Labels{"b": "2", "a": "1"}
	if a.Canonical() != b.Canonical() {
		t.Error("equal labels, two forms")
	}
	// No two sets share a form, whatever they hold.
	if (Labels{"a": `1","b":"2`}).Canonical() == a.Canonical() || Labels(nil).Canonical() != (Labels{}).Canonical() {
		t.Error("the form is ambiguous")
	}
}

func TestMatcherAsAlertmanagerReadsIt(t *testing.T) {
	for m, want := range map[Matcher]string{
		{"alertname", "=", "DiskFull"}: `alertname="DiskFull"`,
		{"instance", "=~", "a|<b>"}:    `instance=~"a|<b>"`,
		{"größe", "!=", `"\` + "\n"}:   `"größe"!="\"\\\n"`,
		{"my.label", "!~", ""}:         `"my.label"!~""`,
	} {
		if got := m.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
