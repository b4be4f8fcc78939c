// Package alertmanagertest simulates Alertmanager, for stories on fake time and
// for the demo: it groups, waits, repeats, silences, inhibits and resolves as the
// real one does, sends the real webhook payload to an http.Handler and serves the
// parts of API v2 that our client uses, all in memory and without a socket
// (loopback sockets stop the clock of a testing/synctest bubble).
//
//	am := alertmanagertest.New(alertmanagertest.Options{
//		Routes:    []alertmanagertest.Route{{Receiver: "bot", GroupBy: []string{"alertname"}}},
//		Receivers: []alertmanagertest.Receiver{{Name: "bot", Handler: webhook}},
//	})
//	go am.Run(ctx)
//	am.Fire(bot.Labels{"alertname": "DiskFull", "instance": "vulcan"})
//	time.Sleep(time.Minute) // in a synctest bubble: no time at all
//
// Without Run nothing happens by itself and no goroutine exists: [Alertmanager.Step]
// does what is due and [Alertmanager.Next] tells when something will be.
//
// It is honest, which here means that it is as unpleasant as the real one. A
// receiver's name arrives quoted as a regular expression; an alert that is
// silenced or inhibited is just not sent any more, and its end is never told; a
// 4xx is not tried again before the group's next flush; the end of an alert is
// sent only if its beginning was delivered; an alert that fires again under a
// group that was last told as firing is not told before repeat_interval; two
// peers both send when the first is slow. What it leaves out: templates, other
// notifiers than webhooks, nested routes, time intervals by the clock (see
// [Alertmanager.Mute]) and the jitter of retries.
//
// The knobs for bad days: [Alertmanager.Restart], [Alertmanager.Stop],
// [Alertmanager.SetUnreachable], [Alertmanager.SetSlow],
// [Alertmanager.LoseAnswers], [Alertmanager.AnswerWith],
// [Alertmanager.SetSettling], [Alertmanager.SetLateCopies],
// [Alertmanager.Redeliver], [Alertmanager.Refire], [Alertmanager.EditRoutes],
// [Alertmanager.SetMaxAlerts], [Alertmanager.SetHandler], and for a pair [Partition].
//
// The tests of package alertmanager hold it against the real program with one
// table of scenarios.
package alertmanagertest
