package bottest

import (
	"fmt"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
)

// stepCaptured plays a bot in the hands of an attacker: it says to the agent
// whatever it likes, and the agent's answer is kept for "expect told".
func (p *player) stepCaptured(l line) error {
	newest, err := p.stage.newest()
	if err != nil && l.words[1] != "asks-as" {
		return err
	}
	p.said++
	ctx, a := p.t.Context(), p.stage.as(agent.Bot())
	who := bot.PersonID(l.words[2])
	id := fmt.Sprintf("forged %d", p.said)
	switch l.words[1] {
	case "approves-as":
		_, p.told = a.Decide(ctx, api.Decide{Plan: newest.Plan.ID, Digest: newest.Digest, ID: id, Person: who, Verdict: bot.Approve, Code: l.rest(3)})
	case "approves-another-digest-as": // that of the plan before, which somebody did agree to
		former, err := p.stage.former()
		if err != nil {
			return err
		}
		_, p.told = a.Decide(ctx, api.Decide{Plan: newest.Plan.ID, Digest: former.Digest, ID: id, Person: who, Verdict: bot.Approve})
	case "asks-as":
		_, p.told = a.Propose(ctx, api.Propose{Key: bot.EffectKey("eff_" + id), Operation: bot.OperationName(l.words[3]), Requester: who})
	case "breaks-glass-as":
		_, p.told = a.BreakGlassRun(ctx, api.BreakGlassRun{Plan: newest.Plan.ID, Digest: newest.Digest})
	case "shows-as":
		_, p.told = a.Shown(ctx, api.Shown{Plan: newest.Plan.ID, At: time.Now().UTC()})
	default:
		return fmt.Errorf("a captured bot does not %q", l.words[1])
	}
	return nil
}
