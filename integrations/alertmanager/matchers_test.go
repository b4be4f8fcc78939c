package alertmanager_test

import (
	"reflect"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

func TestParseMatchers(t *testing.T) {
	for in, want := range map[string][]bot.Matcher{
		`alertname=DiskFull`:                   {{Name: "alertname", Op: "=", Value: "DiskFull"}},
		`{alertname="Disk full", zone!=home,}`: {{Name: "alertname", Op: "=", Value: "Disk full"}, {Name: "zone", Op: "!=", Value: "home"}},
		` a =~ "x|y.*" , b !~ z+ `:             {{Name: "a", Op: "=~", Value: "x|y.*"}, {Name: "b", Op: "!~", Value: "z+"}},
		`"my.label"="é 🚢"`:                     {{Name: "my.label", Op: "=", Value: "é 🚢"}},
		`a="",b=c`:                             {{Name: "a", Op: "=", Value: ""}, {Name: "b", Op: "=", Value: "c"}},
		`a="say \"hi\"\n\\"`:                   {{Name: "a", Op: "=", Value: "say \"hi\"\n\\"}},
		`instance=~"vulcan\.example"`:          {{Name: "instance", Op: "=~", Value: `vulcan\.example`}}, // the older parser's
	} {
		got, err := alertmanager.ParseMatchers(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", in, got, err)
			continue
		}
		again, err := alertmanager.ParseMatchers(alertmanager.FormatMatchers(got))
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s: written as %s, which reads %+v, %v", in, alertmanager.FormatMatchers(got), again, err)
		}
	}
}

func TestParseMatchersPointsAtThePlace(t *testing.T) {
	for in, want := range map[string]string{
		``:                    `No matchers were given; write for example alertname="DiskFull".`,
		`{}`:                  `No matchers were given; write for example alertname="DiskFull".`,
		`alertname`:           `The matchers end too early: expected an operator such as '=', '!=', '=~' or '!~'.`,
		`a=b c=d`:             `At character 5 of the matchers: unexpected c: expected a comma or close brace.`,
		`é="ü" x`:             `At character 7 of the matchers: unexpected x: expected a comma or close brace.`,
		`a=b, =c`:             `At character 6 of the matchers: unexpected =: expected a matcher or close brace after comma.`,
		`a="b`:                `At character 3 of the matchers: "b: missing end ": expected label value.`,
		`a=~"x", b=~"(y"`:     `At character 13 of the matchers: a regular expression is wrong (missing closing )).`,
		`a=b, c=“disk full”`:  `At character 14 of the matchers: unexpected full”: expected a comma or close brace.`,
		`severity=“critical”`: `At character 10 of the matchers: use straight quotes ("), not typographic ones (“).`,
		`a!b`:                 `At character 2 of the matchers: !: expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'.`,
	} {
		_, err := alertmanager.ParseMatchers(in)
		if code(err) != bot.CodeInvalid || bot.ForPeople(err) != want {
			t.Errorf("%s:\n got %v\nwant %s", in, bot.ForPeople(err), want)
		}
	}
}

func TestSilenceFor(t *testing.T) {
	got := alertmanager.FormatMatchers(alertmanager.SilenceFor(bot.Labels{"b": `x"y`, "alertname": "A", "my.label": "1", "none": ""}))
	if want := `alertname="A", b="x\"y", "my.label"="1"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzParseMatchers(f *testing.F) {
	f.Add(`{alertname="A", b=~"x|y"}`)
	f.Add(`"my.label"!="\"`)
	f.Add(`a=~"\.", c=“d`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := alertmanager.ParseMatchers(s)
		if err != nil {
			if code(err) != bot.CodeInvalid {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := alertmanager.ParseMatchers(alertmanager.FormatMatchers(got))
		if err != nil && strings.Contains(err.Error(), "straight quotes") {
			return // quoted on purpose, as it was not before
		}
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%q: %+v, written as %s, reads %+v, %v", s, got, alertmanager.FormatMatchers(got), again, err)
		}
	})
}
