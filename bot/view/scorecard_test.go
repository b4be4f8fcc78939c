package view

import (
	"testing"
	"time"

	"watchstander/bot"
)

// aScorecard is January 2026 until the afternoon of the 14th.
func aScorecard(s Style) []bot.Score {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, s.zone())
	scores := []bot.Score{
		{Metric: bot.Metric{Name: "SSH Security", Target: "0"}, Value: "none", State: bot.OK, Note: "1 h of 13 d 14 h not measured"},
		{Metric: bot.Metric{Name: "fail2ban Effectiveness", Target: "over 95 %"}, Value: "91.2 % on 9 days with attacks", Figure: 91.2, Unit: "%", State: bot.NotOK, Note: "the worst on 3 Jan: 2 bans; 1 of 4 addresses with 5 failed logins or more banned"},
		{Metric: bot.Metric{Name: "Backup Reliability", Target: "100 %"}, State: bot.Unknown, Note: "none ended in the month"},
	}
	for i := range scores {
		scores[i].From, scores[i].Until = from, from.Add(13*24*time.Hour+14*time.Hour)
	}
	return scores
}

func scorecardPages(s Style) []page {
	whole := aScorecard(s)
	for i := range whole {
		whole[i].Until = whole[i].From.AddDate(0, 1, 0)
	}
	small := s
	small.Detail = 1
	message := func(scores []bot.Score, s Style) bot.Message {
		return bot.Message{Title: bot.Line(bot.T("(in a report)")), Blocks: Scorecard(scores, s)}
	}
	return []page{
		{"a scorecard of a month that goes on", message(aScorecard(s), s)},
		{"a scorecard of a month that is over, where there is little room", message(whole, small)},
	}
}

func TestScorecardOfNothing(t *testing.T) {
	if got := Scorecard(nil, style(t)); got != nil {
		t.Errorf("%v", got)
	}
}
