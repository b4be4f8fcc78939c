package bottest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/plan"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

const usageHost = "host unit NAME ACTIVE|busy UNIT FOR|script N fails|breaks|hangs UNIT…|script N says TEXT|restarts UNIT|fails UNIT|breaks UNIT (for good)|mends UNIT|flaps UNIT EVERY|pool NAME HEALTH|arc MAX|logs UNIT TEXT|builds N [SCHEMA [SECRETS]]|switches N|proposes [again]|kills-run: what happens on vulcan, without the agent"

// filled puts the newest plan's id where a line says $plan, and the newest
// time-based code where it says $code.
func (p *player) filled(text string) (string, error) {
	if strings.Contains(text, "$code") {
		if p.code == "" {
			return "", errors.New("nobody has given a code yet")
		}
		text = strings.ReplaceAll(text, "$code", p.code)
	}
	if !strings.Contains(text, "$plan") {
		return text, nil
	}
	// While the agent is down, people still know the id.
	if newest, err := p.stage.newest(); err == nil {
		p.newest = newest.Plan.ID
	}
	if p.newest == "" {
		return "", errors.New("there is no plan yet")
	}
	return strings.ReplaceAll(text, "$plan", string(p.newest)), nil
}

func (p *player) stepAgent(l line) error {
	switch l.words[1] {
	case "down":
		if newest, err := p.stage.newest(); err == nil {
			p.newest = newest.Plan.ID // people know it still
		}
		p.stage.down()
	case "up":
		p.stage.start()
	case "forgets": // all that it knew, while it is down
		return p.stage.forget()
	case "mute", "talks": // what it is asked to look at gets no answer
		p.stage.mu.Lock()
		defer p.stage.mu.Unlock()
		p.stage.mute = l.words[1] == "mute"
	default:
		return fmt.Errorf("an agent does not %q", l.words[1])
	}
	return nil
}

func (p *player) stepHost(l line) error {
	sim := p.stage.sim
	switch l.words[1] {
	case "unit":
		sim.Set(l.words[2], func(u *sys.Unit) { u.Active = l.words[3] })
	case "busy": // as a oneshot that was started just now
		lasts, err := time.ParseDuration(l.words[3])
		if err != nil {
			return err
		}
		sim.Busy(l.words[2], lasts)
	case "script":
		n, err := strconv.Atoi(l.words[2])
		if err != nil {
			return err
		}
		units := l.words[4:]
		switch l.words[3] {
		case "fails":
			sim.Script(n, simulated.Activation{Fail: units})
		case "breaks": // a while after all looked well
			sim.Script(n, simulated.Activation{Break: units, Later: 10 * time.Second})
		case "hangs":
			sim.Script(n, simulated.Activation{Hang: true})
		case "says": // what an activation script of somebody's prints
			sim.Script(n, simulated.Activation{Say: []string{l.rest(4)}})
		default:
			return fmt.Errorf("a switch does not %q", l.words[3])
		}
	case "restarts":
		return sim.Sys().Units.Restart(p.t.Context(), l.words[2])
	case "fails":
		sim.Fail(l.words[2], "exit-code")
	case "breaks":
		sim.Break(l.words[2], "exit-code")
	case "mends":
		sim.Mend(l.words[2])
		return sim.Sys().Units.Restart(p.t.Context(), l.words[2])
	case "flaps":
		every, err := time.ParseDuration(l.words[3])
		if err != nil {
			return err
		}
		sim.Flap(l.words[2], every)
	case "pool":
		sim.SetPool(l.words[2], func(p *simulated.Pool) { p.Health = l.words[3] })
	case "arc":
		return sim.Sys().Files.Write("/sys/module/zfs/parameters/zfs_arc_max", []byte(l.words[2]))
	case "logs":
		sim.Log(l.words[2], "%s", l.rest(3))
	case "builds": // a generation, which becomes the profile's, or one whose bot writes a newer state
		if len(l.words) == 3 {
			n, err := strconv.Atoi(l.words[2])
			if err != nil {
				return err
			}
			return sim.AddGeneration(simulated.Generation{Number: n, NixOS: "25.05", Kernel: "6.12.1"})
		}
		return p.stage.build(l.words[2], l.words[3], l.rest(4))
	case "switches": // to a generation that is there, as somebody's nixos-rebuild does
		n, err := strconv.Atoi(l.words[2])
		if err != nil {
			return err
		}
		return p.stage.switchByHand(n)
	case "proposes": // a newer system that is no generation, and again another one
		g := simulated.Newer()
		g.Revision = l.rest(2)
		_, err := sim.Propose(g)
		return err
	case "kills-run":
		return p.stage.kill()
	default:
		return fmt.Errorf("a host does not %q", l.words[1])
	}
	return nil
}

// stepAtHost plays somebody who approves, denies or confirms on the host itself.
func (p *player) stepAtHost(l line) error {
	uid := 0
	if l.words[1] != "root" {
		person, ok := p.stage.config.Person(bot.PersonID(l.words[1]))
		if !ok || len(person.UIDs) == 0 {
			return fmt.Errorf("%s has no user on the host", l.words[1])
		}
		uid = person.UIDs[0]
	}
	newest, err := p.stage.newest()
	if err != nil {
		return err
	}
	p.said++
	if l.words[2] == "confirms" {
		_, p.told = p.stage.as(agent.Human(uid)).Confirm(p.t.Context(), api.Confirm{Plan: newest.Plan.ID})
		return nil
	}
	verdict := map[string]bot.Verdict{"approves": bot.Approve, "denies": bot.Deny}[l.words[2]]
	if verdict == "" {
		return fmt.Errorf("nobody %q at a host", l.words[2])
	}
	_, p.told = p.stage.as(agent.Human(uid)).Decide(p.t.Context(), api.Decide{Plan: newest.Plan.ID, Digest: newest.Digest, ID: fmt.Sprintf("at the host %d", p.said),
		Verdict: verdict, Reason: l.rest(3)})
	return nil
}

// stepCaptured plays a bot in the hands of an attacker: it says to the agent
// whatever it likes, and the agent's answer is kept for "expect told".
func (p *player) stepCaptured(l line) error {
	p.said++
	ctx, a := p.t.Context(), p.stage.as(agent.Bot())
	who := bot.PersonID(l.words[2])
	id := fmt.Sprintf("forged %d", p.said)
	if l.words[1] == "triggers" { // an alert that may not fire at all
		labels, _ := split(l.words[3:])
		_, p.told = a.Trigger(ctx, api.Trigger{Key: bot.EffectKey("eff_" + id), Standing: l.words[2], Alert: labels, Since: time.Now().UTC()})
		return nil
	}
	newest, err := p.stage.newest()
	if err != nil && l.words[1] != "asks-as" {
		return err
	}
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
		args := bot.Arguments{}
		for _, w := range l.words[4:] {
			name, value, _ := strings.Cut(w, "=")
			args[name] = append(args[name], value)
		}
		_, p.told = a.Propose(ctx, api.Propose{Key: bot.EffectKey("eff_" + id), Operation: bot.OperationName(l.words[3]), Arguments: args, Requester: who})
	case "breaks-glass-as":
		_, p.told = a.BreakGlassRun(ctx, api.BreakGlassRun{Plan: newest.Plan.ID, Digest: newest.Digest})
	case "confirms-as":
		_, p.told = a.Confirm(ctx, api.Confirm{Plan: newest.Plan.ID, Person: who, Code: l.rest(3)})
	case "shows-as":
		_, p.told = a.Shown(ctx, api.Shown{Plan: newest.Plan.ID, At: time.Now().UTC()})
	default:
		return fmt.Errorf("a captured bot does not %q", l.words[1])
	}
	return nil
}

// stepSign has somebody sign the statement that was answered last, and paste the
// signature: what watchstander approve does.
func (p *player) stepSign(l line) error {
	signer := p.stage.keys[bot.PersonID(l.words[1])]
	if signer == nil {
		return fmt.Errorf("%s has no key", l.words[1])
	}
	posts := p.chat.Posts(p.config.Rooms[0].ID)
	for i := len(posts) - 1; i >= 0; i-- {
		for _, b := range posts[i].Message.Blocks {
			pre, ok := b.(bot.Pre)
			if !ok {
				continue
			}
			slip, err := plan.DecodeSlip(pre.Body)
			if err != nil {
				continue
			}
			armored, err := plan.Sign(slip.Statement, signer)
			if err != nil {
				return err
			}
			p.said++
			p.lastID = bot.MessageID(fmt.Sprintf("u%d", p.said))
			p.chat.Hear(bot.Said{Chat: "matrix", Room: p.config.Rooms[0].ID, ID: p.lastID, User: bot.UserID("@" + l.words[1] + ":example.org"),
				Text: string(slip.Statement.Verdict) + " " + string(slip.Statement.Plan) + "\n" + armored, At: time.Now().UTC()})
			return nil
		}
	}
	return errors.New("nobody was given a statement")
}

// stepCode has somebody approve, or confirm, with the time-based code of now, or with the one
// that was given before; or look at it and keep it, for another line that says $code.
func (p *player) stepCode(l line) error {
	if l.rest(2) != "again" {
		code, err := totp.GenerateCode(seed, time.Now())
		if err != nil {
			return err
		}
		p.code = code
	}
	if l.rest(2) == "keeps" {
		return nil
	}
	newest, err := p.stage.newest()
	if err != nil {
		return err
	}
	word := "approve "
	if l.rest(2) == "confirms" {
		word = "confirm "
	}
	p.said++
	p.lastID = bot.MessageID(fmt.Sprintf("u%d", p.said))
	p.chat.Hear(bot.Said{Chat: "matrix", Room: p.config.Rooms[0].ID, ID: p.lastID, User: bot.UserID("@" + l.words[1] + ":example.org"),
		Text: word + string(newest.Plan.ID) + " " + p.code, At: time.Now().UTC()})
	return nil
}

// nextPlan gives ids to plans, which survive the bot's.
func (p *player) nextPlan() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans++
	const digits = "234567"
	return fmt.Sprintf("PLAN%c%c%s", digits[p.plans/6%6], digits[p.plans%6], strings.Repeat("A", 20))
}
