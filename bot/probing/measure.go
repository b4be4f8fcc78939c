package probing

import (
	"context"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Measure runs the probes. One that does not answer in time is unknown, with the
// reason; it holds nobody else up. A probe that ignores its context keeps its
// goroutine until it returns by itself; that it is asked once at a time is the matter of
// the world's probes. What two probes tell of the same thing is told once.
func Measure(ctx context.Context, probes []bot.Probe, now time.Time) []bot.Reading {
	ctx, cancel := context.WithTimeout(ctx, bot.ProbeTime)
	defer cancel()
	answers := make([]chan []bot.Reading, len(probes))
	for i, p := range probes {
		answers[i] = make(chan []bot.Reading, 1)
		go func() {
			defer func() {
				if recover() != nil {
					answers[i] <- Unheard(p, now, "the probe failed inside")
				}
			}()
			answers[i] <- p.Read(ctx)
		}()
	}
	var out []bot.Reading
	for i, p := range probes {
		out = joined(out, answerOf(ctx, p, answers[i], now))
	}
	return out
}

// joined adds what a further probe read. Where an earlier one, who knows more, has
// told of the same thing already, that stays; but for two cases: it could tell
// nothing at all of it, or finds well what the further one does not.
func joined(told, further []bot.Reading) []bot.Reading {
	n := len(told)
	for _, r := range further {
		same := func(o bot.Reading) bool { return o.Host == r.Host && o.What == r.What }
		switch i := slices.IndexFunc(told[:n], same); {
		case i < 0:
			told = append(told, r)
		case told[i].State == bot.OK && r.State == bot.NotOK,
			!known(told[i]) && told[i].Value == "" && known(r):
			told[i] = r
		}
	}
	return told
}

func answerOf(ctx context.Context, p bot.Probe, answer <-chan []bot.Reading, now time.Time) []bot.Reading {
	var got []bot.Reading
	select {
	case got = <-answer:
	case <-ctx.Done():
		// It may have answered at the same moment, and then that counts.
		select {
		case got = <-answer:
		default:
			return Unheard(p, now, "no answer within "+phrase.Duration(bot.ProbeTime))
		}
	}
	if got == nil {
		return Unheard(p, now, "it told nothing")
	}
	return got
}

// known tells whether a reading says something. A state that nobody has heard of does
// not.
func known(r bot.Reading) bool { return r.State == bot.OK || r.State == bot.NotOK }
