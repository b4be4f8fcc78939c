// Package real starts the true outside parts that the bot lives among, so that
// tests can meet them instead of our idea of them: a Matrix homeserver
// (Dendrite), Alertmanager (alone or as a cluster), Prometheus with metrics
// that the test sets, a systemd with its bus, and a proxy that makes the way to a
// homeserver as bad as a test needs it. Of restic it finds each version that there
// is, and makes repositories whose keys cost nothing to open.
//
//	hs := real.StartHomeserver(t, real.HomeserverOptions{})
//	alice := hs.NewUser(t, "alice")
//	room := alice.CreateRoom(t, real.RoomOptions{Name: "ops"})
//	proxy := real.StartProxy(t, hs.URL) // the bot under test gets proxy.URL
//	held := proxy.HoldReply(1, real.OfKind(real.KindSend))
//	… the bot posts …
//	held.Wait(t, 10*time.Second) // the homeserver has it, the bot does not know
//	bot.Kill(t)
//
// Every part listens on loopback only, keeps its data in the test's temporary
// folder, ends with the test, and has its log printed when the test failed.
// The programs come from PATH or from the folder that tools/get-real fills;
// where one is missing the test is skipped, or fails when
// WATCHSTANDER_REQUIRE_REAL=1 (see [Require]).
//
// The helpers speak plain net/http and know nothing of the bot's own client
// libraries: what they see is an independent eye's view. Methods that take a
// testing.TB end that test when something goes wrong, so they belong on the
// test's own goroutine; what is needed on another one returns an error
// ([User.Do], [Poll]).
//
// Linux and other Unix systems only, and never inside a synctest bubble: the
// programs live in real time. Restic alone, which does its work and ends, may run
// inside one, where time stands still meanwhile.
package real
