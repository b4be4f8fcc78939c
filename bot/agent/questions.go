package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// question reads one from a body, asks it, and gives the answer.
type question func(ctx context.Context, a api.Agent, body []byte) (any, error)

// questions are all that can be asked at a socket, by the path.
var questions = map[string]question{
	api.PathPropose:       put(api.Agent.Propose),
	api.PathShown:         put(api.Agent.Shown),
	api.PathDecide:        put(api.Agent.Decide),
	api.PathWithdraw:      put(api.Agent.Withdraw),
	api.PathCancel:        put(api.Agent.Cancel),
	api.PathConfirm:       put(api.Agent.Confirm),
	api.PathSpend:         put(api.Agent.Spend),
	api.PathStatement:     put(api.Agent.Statement),
	api.PathProposals:     put(api.Agent.Proposals),
	api.PathLook:          put(api.Agent.Look),
	api.PathReadings:      put(api.Agent.Readings),
	api.PathHeads:         put(api.Agent.Heads),
	api.PathTrigger:       put(api.Agent.Trigger),
	api.PathBreakGlass:    put(api.Agent.BreakGlass),
	api.PathBreakGlassRun: put(api.Agent.BreakGlassRun),
}

func put[Q, A any](ask func(api.Agent, context.Context, Q) (A, error)) question {
	return func(ctx context.Context, a api.Agent, body []byte) (any, error) {
		q, err := decode[Q](body)
		if err != nil {
			return nil, err
		}
		return ask(a, ctx, q)
	}
}

// decode reads exactly one value in UTF-8, knows every member of it, and none is
// there twice.
func decode[Q any](body []byte) (q Q, err error) {
	if !utf8.Valid(body) {
		return q, bot.Errorf(bot.CodeInvalid, "The question is not in UTF-8.")
	}
	if err := noDoubles(json.NewDecoder(bytes.NewReader(body))); err != nil {
		return q, bot.Errorf(bot.CodeInvalid, "The question cannot be read.").Because(err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, bot.Errorf(bot.CodeInvalid, "The question cannot be read.").Because(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return q, bot.Errorf(bot.CodeInvalid, "There is more than one question.")
	}
	return q, nil
}
