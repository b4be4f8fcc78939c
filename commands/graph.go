package commands

import (
	"context"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

const (
	graphSpan  = 6 * time.Hour // when nobody says otherwise
	graphLeast = time.Minute
)

// graph draws a thread's alert or an expression.
func graph(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	if typed, ok := call.Args["expression"]; ok {
		return graphExpression(ctx, call, typed.Text)
	}
	f, err := subject(ctx, call, "graph")
	if err != nil {
		return nil, err
	}
	number, ok := call.Args["alert"]
	if !ok {
		return bot.DrawGraph{Thread: f.Thread.ID}, nil
	}
	e, err := numbered(f, number.Number)
	if err != nil {
		return nil, err
	}
	return bot.DrawGraph{Thread: f.Thread.ID, Episode: e.ID}, nil
}

func graphExpression(ctx context.Context, call bot.Call, typed string) (bot.Outcome, error) {
	_, threaded := call.Args["thread"]
	_, numbered := call.Args["alert"]
	if threaded || numbered {
		return nil, bot.Errorf(bot.CodeInvalid,
			"graph: `%s` is more than I can read here: an alert is drawn over a span of its own, and an expression belongs to no thread.", echo(typed, echoLine))
	}
	expr, over, err := cutOver(typed)
	if err != nil {
		return nil, err
	}
	if expr == "" {
		return nil, bot.Errorf(bot.CodeInvalid, "graph: an expression is missing before `%s`; e.g. `graph up over 12h`. An alert is drawn over a span of its own.", echo(typed, echoWord))
	}
	picture, err := call.World.Graph(ctx, straighten(expr), over)
	if err != nil {
		return nil, err
	}
	return bot.Say{Message: bot.Message{
		Title:  bot.Line(bot.M(echo(expr, 2*echoLine)), bot.T(" over the last "+phrase.Duration(over))),
		Blocks: []bot.Block{picture},
	}}, nil
}

// cutOver takes `over 12h` from an expression's end. PromQL has no word "over",
// so that only a label's value could hold one: those are in quotes, and words
// are read with their quotes.
func cutOver(typed string) (expr string, over time.Duration, err error) {
	at := -1
	var place word
	for r := (reader{line: typed}); ; {
		before := r.at
		w, ok := r.next()
		if !ok {
			break
		}
		if w.raw == "over" || w.raw == "Over" {
			at, place = before, w
		}
	}
	if at < 0 {
		return typed, graphSpan, nil
	}
	r := reader{line: typed, at: at}
	r.next()
	tail := r.rest()
	over, _, ok := joinedDuration(&r)
	switch {
	case strings.ContainsAny(tail, "}])\"'"):
		return typed, graphSpan, nil // the word stood inside the expression
	case !ok || !r.done():
		return "", 0, bot.Errorf(bot.CodeInvalid, "graph: `%s` after `%s` is no duration; write e.g. `over 12h`.", echo(tail, echoWord), place.raw)
	case over < graphLeast || over > longest:
		return "", 0, bot.Errorf(bot.CodeInvalid, "graph: `%s` is no span that can be drawn; write one between `1m` and `365d`.", echo(tail, echoWord))
	}
	return unquoted(reader{line: typed[:at]}.rest()), over, nil
}

// promQLish tells an expression from a sentence, by characters that sentences
// hold rarely, or by a span at the end.
func promQLish(s string) bool {
	expr, _, err := cutOver(s)
	return strings.ContainsAny(s, "(){}[]<>=*/_") || err == nil && expr != "" && expr != s
}
