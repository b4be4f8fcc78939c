package bottest

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"watchstander/bot"
)

// stepBot is what happens to the bot: killed, or stopped and started.
func (p *player) stepBot(l line) error {
	switch what := l.words[1]; what {
	case "crash":
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
	case "down":
		p.kill()
		p.stop = nil
	case "up":
		p.live()
		p.start()
	default:
		return fmt.Errorf("the bot does not %q", what)
	}
	return nil
}

// stepState fills the disk, or empties it.
func (p *player) stepState(l line) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = l.words[1] == "full"
	return nil
}

// stepChat is what happens to the chat.
func (p *player) stepChat(l line) error {
	words := l.words[1:]
	count := 1
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			count = n
		}
	}
	faulty := func(r bot.Refusal) {
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(bot.Sending) error {
			if count == 0 {
				return nil
			}
			count--
			return &r
		}
	}
	switch words[0] {
	case "while-encoding": // the next root is being rendered, and a webhook comes
		body, err := p.delivery(l.words[3:])
		if err != nil {
			return err
		}
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.encoding = func() { p.postBody(body, "Bearer "+token) }
	case "lax":
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.lax = true
	case "erasing":
		return p.chat.erasing(words[1:])
	case "fail-pictures": // the media repository is broken, and all else works
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(s bot.Sending) error {
			if bytes.Contains(s.Body, []byte(`"PNG":"`)) {
				return &bot.Refusal{Kind: bot.Unreachable, Attachment: true}
			}
			return nil
		}
	case "poison": // posts that hold the word never get through, and are not refused
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(s bot.Sending) error {
			if bytes.Contains(s.Body, []byte(words[1])) {
				return &bot.Refusal{Kind: bot.Unsure}
			}
			return nil
		}
	case "down":
		p.chat.Unplug(true)
	case "up":
		p.chat.Unplug(false)
	case "pace":
		rate, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return err
		}
		burst, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		// The pace is part of what the bot is told at its start.
		p.kill()
		p.chat.Pace(rate, burst)
		p.live()
		p.start()
	case "reject":
		faulty(bot.Refusal{Kind: bot.Rejected})
	case "busy":
		d, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		faulty(bot.Refusal{Kind: bot.Busy, After: d})
	case "reject-offers":
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(s bot.Sending) error {
			if s.Kind == bot.SendOffer && bytes.Contains(s.Body, []byte(words[1])) {
				return &bot.Refusal{Kind: bot.Rejected}
			}
			return nil
		}
	case "forbid":
		faulty(bot.Refusal{Kind: bot.Forbidden})
	case "lose":
		p.chat.lose(func(s bot.Sending) error {
			if count > 0 {
				count--
				_ = p.accepted(s)
				return &bot.Refusal{Kind: bot.Unsure}
			}
			return p.accepted(s)
		})
	default:
		return fmt.Errorf("the chat does not %q", words[0])
	}
	return nil
}
