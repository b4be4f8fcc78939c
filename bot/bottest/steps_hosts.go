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
	"watchstander/bot/journal"
	"watchstander/bot/plan"
	"watchstander/bot/store"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

const usageHost = "host unit NAME ACTIVE|script N fails|breaks|hangs UNIT…|restarts UNIT|arc MAX: what happens on vulcan, without the agent"

// filled puts the newest plan's id where a line says $plan.
func (p *player) filled(text string) (string, error) {
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
		if _, err := p.filled("$plan"); err != nil {
			return err
		}
		p.stage.down()
	case "up":
		p.stage.start()
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
		default:
			return fmt.Errorf("a switch does not %q", l.words[3])
		}
	case "restarts":
		return sim.Sys().Units.Restart(p.t.Context(), l.words[2])
	case "arc":
		return sim.Sys().Files.Write("/sys/module/zfs/parameters/zfs_arc_max", []byte(l.words[2]))
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
	newest, err := p.stage.newest()
	if err != nil {
		return err
	}
	p.said++
	ctx, a := p.t.Context(), p.stage.as(agent.Bot())
	who := bot.PersonID(l.words[2])
	id := fmt.Sprintf("forged %d", p.said)
	switch l.words[1] {
	case "approves-as":
		_, p.told = a.Decide(ctx, api.Decide{Plan: newest.Plan.ID, Digest: newest.Digest, ID: id, Person: who, Verdict: bot.Approve, Code: l.rest(3)})
	case "approves-another-digest-as":
		_, p.told = a.Decide(ctx, api.Decide{Plan: newest.Plan.ID, Digest: strings.Repeat("0", 64), ID: id, Person: who, Verdict: bot.Approve})
	case "asks-as":
		_, p.told = a.Propose(ctx, api.Propose{Key: bot.EffectKey("eff_" + id), Operation: bot.OperationName(l.words[3]), Requester: who})
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
// that was given before.
func (p *player) stepCode(l line) error {
	if l.rest(2) != "again" {
		code, err := totp.GenerateCode(seed, time.Now())
		if err != nil {
			return err
		}
		p.code = code
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

// expectHost compares the host, and what stands in the journals, with the story.
func (p *player) expectHost(words []string) error {
	text := func(n int) string { return strings.Join(words[n:], " ") }
	sim := p.stage.sim
	same := func(have int, want string) error {
		if strconv.Itoa(have) != want {
			return fmt.Errorf("it is %d", have)
		}
		return nil
	}
	switch words[0] {
	case "running":
		return same(sim.Running(), words[1])
	case "boots":
		return same(sim.NextBoot(), words[1])
	case "arc-max":
		b, err := sim.Sys().Files.Read("/proc/spl/kstat/zfs/arcstats", 64<<10)
		if err != nil {
			return err
		}
		for l := range strings.Lines(string(b)) {
			if f := strings.Fields(l); len(f) == 3 && f[0] == "c_max" {
				return p.holds(f[2], words[1], true)
			}
		}
		return errors.New("there is no c_max")
	case "told": // what the agent said to whoever spoke to it directly
		have := "nothing against it"
		if p.told != nil {
			have = p.told.Error()
		}
		return p.holds(have, text(1), true)
	case "agent-journal", "no-agent-journal":
		have, err := p.stage.log()
		if err != nil {
			return err
		}
		return p.holds(have, text(1), words[0] == "agent-journal")
	case "journal", "no-journal":
		var b strings.Builder
		err := p.store.View(p.t.Context(), func(tx *store.Tx) error {
			b.Reset()
			for e, err := range tx.JournalAll() {
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, "%s %s %s\n", e.Kind, e.By, e.Text)
			}
			_, err := journal.Verify(tx.JournalAll(), journal.Head{})
			return err
		})
		if err != nil {
			return err
		}
		return p.holds(b.String(), text(1), words[0] == "journal")
	case "runs":
		have, err := p.stage.log()
		if err != nil {
			return err
		}
		return same(strings.Count("\n"+have, "\nstart "), words[1])
	}
	return fmt.Errorf("nothing can be expected of a %q", words[0])
}

// nextPlan gives ids to plans, which survive the bot's.
func (p *player) nextPlan() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans++
	const digits = "234567"
	return fmt.Sprintf("PLAN%c%c%s", digits[p.plans/6%6], digits[p.plans%6], strings.Repeat("A", 20))
}
