package bottest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// verb is a kind of step.
type verb struct {
	usage string
	least int // words, the verb itself included
	play  func(*player, line) error
}

// verbs are all steps that a story can take.
var verbs = map[string]verb{
	"advance": {"advance 10m", 2, (*player).stepAdvance},
	"expect":  {"expect WHAT … (expect.go)", 2, (*player).stepExpect},
	"model":   {"model on|off: is what the rooms say compared with what is true", 2, (*player).stepModel},

	"fire":         {"fire NAME label=value …", 2, (*player).stepAlert},
	"refire":       {"refire NAME label=value …: it goes on with the same start", 2, (*player).stepAlert},
	"resolve":      {"resolve NAME label=value …", 2, (*player).stepAlert},
	"fire-many":    {"fire-many N NAME label=value …: so many groups, a cluster each", 3, (*player).stepMany},
	"resolve-many": {"resolve-many N NAME label=value …", 3, (*player).stepMany},
	"fire-group":   {"fire-group N NAME label=value …: so many alerts of one group, an instance each", 3, (*player).stepMany},
	"am":           {usageAlertmanager, 2, (*player).stepAlertmanager},
	"deliver":      {usageDeliver, 3, (*player).stepDeliver},
	"at-once":      {"at-once DELIVERY and DELIVERY …: webhooks that arrive at the same instant", 3, (*player).stepAtOnce},
	"post":         {"post good|none|CREDENTIALS BODY: a body by hand", 3, (*player).stepPost},

	"as":         {"as WHO [ago 5m] [in THREAD] says|repeats WORDS|presses|taps EMOJI on THREAD|withdraws from THREAD|deletes: the newest message of a person", 3, (*player).stepPerson},
	"at-console": {"at-console WHO says WORDS", 4, (*player).stepConsole},
	"event":      {"event WHO TYPE CONTENT: an event as the Matrix homeserver hands it out; $root and $last stand for ids", 4, (*player).stepEvent},
	"delete":     {"delete THREAD [WORDS]: a moderator deletes its root, or the reply that holds the words", 2, (*player).stepDelete},

	"bot":      {"bot crash|down|up", 2, (*player).stepBot},
	"state":    {"state full|fine: does it take what is written", 2, (*player).stepState},
	"chat":     {"chat down|up|pace R BURST|reject N|busy N AFTER|forbid N|lose N|reject-offers EMOJI|while-encoding deliver …|lax|fail-pictures|poison WORD|erasing forbidden|allowed|needless|lost N|busy N AFTER", 2, (*player).stepChat},
	"agent":    {"agent down|up|forgets|mute|talks", 2, (*player).stepAgent},
	"host":     {usageHost, 2, (*player).stepHost},
	"backups":  {usageBackups, 3, (*player).stepBackups},
	"gauge":    {usageGauge, 2, (*player).stepGauge},
	"at-host":  {"at-host WHO approves|denies|confirms [REASON]: on the host itself", 3, (*player).stepAtHost},
	"captured": {"captured approves-as|approves-another-digest-as|breaks-glass-as|shows-as|confirms-as WHO …|asks-as WHO OPERATION name=value …|triggers STANDING ALERT label=value …: a bot in an attacker's hands", 3, (*player).stepCaptured},
	"signs":    {"signs WHO: the statement that was answered last, and pastes the signature", 2, (*player).stepSign},
	"code":     {"code WHO [again|confirms|keeps]: approves, or confirms, with the time-based code of now, or the one before; or keeps it for $code", 2, (*player).stepCode},

	"reboot":  {"reboot HOST", 2, (*player).stepReboot},
	"changed": {"changed HOST WORDS", 3, (*player).stepChanged},
}

const (
	usageAlertmanager = "am down|up|unreachable|reachable|restart|settling yes|no|redeliver|silence MATCHERS 2h BY COMMENT|expire [COMMENT]|edit COMMENT 3h [MATCHERS]|lose-answers N|max N|reroute|regroup"
	usageDeliver      = "deliver firing|resolved NAME label=value … [start=-5m] [end=-1m] [group=a,b] [receiver=…] [key=…] [truncated=3] [from=URL]"
)

// step plays one line: "at atlas STEP" about that host, and any other about vulcan.
func (p *player) step(text string) error {
	if rest, found := strings.CutPrefix(text, "at "); found && p.stage != nil {
		name, rest, _ := strings.Cut(rest, " ")
		i := slices.IndexFunc(p.stages, func(s *stage) bool { return s.name == name })
		if i < 0 {
			return fmt.Errorf("there is no host %q", name)
		}
		defer func(s *stage) { p.stage = s }(p.stage)
		p.stage, text = p.stages[i], rest
	}
	text, err := p.filled(text)
	if err != nil {
		return err
	}
	if p.inSlack && strings.HasPrefix(text, "expect ") {
		text = accountsInSlack(text)
	}
	l, err := readLine(text)
	if err != nil {
		return err
	}
	v, ok := verbs[l.words[0]]
	if !ok {
		return fmt.Errorf("there is no step %q", l.words[0])
	}
	if len(l.words) < v.least {
		return fmt.Errorf("the step lacks words: %s", v.usage)
	}
	return v.play(p, l)
}

func (p *player) stepAdvance(l line) error {
	d, err := time.ParseDuration(l.words[1])
	if err == nil {
		p.advance(d)
	}
	return err
}

// advance lets time pass in small steps, so that the model sees what was true
// in between.
func (p *player) advance(d time.Duration) {
	grain := 5 * time.Second
	if d > 10*time.Minute {
		grain = time.Minute // hours are watched less closely
	}
	for d > 0 && !p.t.Failed() {
		n := min(d, grain)
		time.Sleep(n)
		d -= n
		p.settle()
		p.revive()
		p.model.observe()
		p.model.check()
	}
}

func (p *player) stepExpect(l line) error { return p.expect(l.words[1:]) }

func (p *player) stepModel(l line) error {
	p.model.off = l.words[1] == "off"
	return nil
}

func (p *player) stepReboot(l line) error {
	return p.change(bot.ChangeReboot, l.words[1], "boot "+time.Now().String(), "rebooted")
}

func (p *player) stepChanged(l line) error {
	return p.change(bot.ChangeSwitch, l.words[1], l.rest(2), l.rest(2))
}

func (p *player) change(kind bot.ChangeKind, host, id, text string) error {
	return p.take(bot.Changed{Change: bot.Change{ID: id, Host: host, Kind: kind, Text: text, At: time.Now().UTC()}})
}

func (p *player) take(e bot.Event) error {
	return p.flow.Take(p.t.Context(), bot.Batch{Source: "story", Events: []bot.Event{e}})
}
