package prometheus

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"watchstander/bot"
)

// maxExpression bounds an expression's length in bytes.
const maxExpression = 16 << 10

// Expression takes the expression out of an alert's generatorURL, which
// Prometheus makes as http://server/graph?g0.expr=…&g0.tab=1. Other senders put
// other things there, or nothing: then the error is ErrNoExpression.
func Expression(generatorURL string) (string, error) {
	none := func(why string) (string, error) {
		return "", bot.Errorf(bot.CodeNotFound, "The alert does not carry its expression (%s), so there is nothing to draw.", why).
			Because(ErrNoExpression)
	}
	if generatorURL == "" {
		return none("no generatorURL")
	}
	if len(generatorURL) > 4*maxExpression { // an escaped byte takes three
		return none("its generatorURL is too long")
	}
	u, err := url.Parse(generatorURL)
	if err != nil {
		return none("its generatorURL cannot be read")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil && !query.Has("g0.expr") {
		return none("its generatorURL cannot be read")
	}
	expr := strings.TrimSpace(query.Get("g0.expr"))
	switch {
	case expr == "":
		return none("its generatorURL has no g0.expr")
	case len(expr) > maxExpression:
		return none("it is too long")
	case !utf8.ValidString(expr) || strings.ContainsRune(expr, 0):
		return none("it is not text")
	}
	return expr, nil
}
