package slack

import "testing"

func TestWords(t *testing.T) {
	c := idle(t, nil)
	for text, want := range map[string]struct {
		plain     string
		addressed bool
	}{
		"status":                            {"status", false},
		"<@U0BOT> status":                   {"status", true},
		"<@U0BOT|watchstander>: status":     {"status", true},
		"<@U0BOT>":                          {"", true},
		"ask <@U0BOT> for status":           {"ask @U0BOT for status", true},
		"<@U0BOTS> status":                  {"@U0BOTS status", false},
		"ack because a &lt; b &amp;&amp; c": {"ack because a < b && c", false},
		"&amp;lt;":                          {"&lt;", false},
		"logs <http://nginx.service|nginx.service>":                {"logs nginx.service", false},
		"ask <mailto:a@b.example|a@b.example>":                     {"ask a@b.example", false},
		"see <https://x.example/?a=1&amp;b=2>":                     {"see https://x.example/?a=1&b=2", false},
		"see <https://evil.example/|https://good.example/>":        {"see https://evil.example/", false},
		"<!here> look, <!subteam^S1|@ops> and <#C2|alerts>, <#C3>": {"@here look, @ops and #alerts, #C3", false},
		"`approve pln_K7QF2M`":                                     {"approve pln_K7QF2M", false},
		"```approve pln_K7QF2M\nx```":                              {"approve pln_K7QF2M\nx", false},
		"`a` and `b`":                                              {"`a` and `b`", false},
		"a < b":                                                    {"a < b", false},
		"<":                                                        {"<", false},
		"<>":                                                       {"", false},
		"<!date^1732800000^{date}|today>":                          {"today", false},
	} {
		plain, addressed := c.words(text)
		if plain != want.plain || addressed != want.addressed {
			t.Errorf("%q is read as %q, %v; want %q, %v", text, plain, addressed, want.plain, want.addressed)
		}
	}
}

func TestMicros(t *testing.T) {
	for ts, want := range map[string]int64{"1732800000.000100": 1732800000000100, "1732800000": 1732800000000000, "1732800000.1": 1732800000100000} {
		if got, ok := micros(ts); !ok || got != want {
			t.Errorf("%q is %d, %v", ts, got, ok)
		}
	}
	for _, ts := range []string{"", "x", "-1.000000", "1.+00001", "1.0000001", "999999999999999.0", "1.00000x"} {
		if got, ok := micros(ts); ok {
			t.Errorf("%q is %d", ts, got)
		}
	}
	if got := stampOf(moment("1732800000.000100")); got != "1732800000.000100" {
		t.Errorf("there and back it is %s", got)
	}
}
