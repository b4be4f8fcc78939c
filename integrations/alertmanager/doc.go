// Package alertmanager joins the bot to Prometheus' Alertmanager, in both
// directions.
//
// Inbound ([NewHandler]): one webhook endpoint. It finds out who sends, reads a
// bounded body in bounded time, decodes it into a [bot.Delivery] and answers
// 200 only once the sink has committed it. Alertmanager repeats a notification
// after a network error or a 5xx and after nothing else, so the answers are
// chosen with care: what could not be stored is 503, what can never be stored
// is 4xx and is announced to people, because nobody would hear of it otherwise.
//
// Back ([New]): a client of API v2 for the peers of one Alertmanager cluster.
// It polls groups and silences (so that threads of silenced or resolved alerts
// stop saying "firing"), makes and ends silences, and checks that the cluster
// is set up for us.
//
// The package is a leaf: it knows the words of package bot and Alertmanager's
// own libraries. What is done with a delivery is decided by flow, behind
// [bot.Sink]; main joins the two. Package alertmanagertest simulates an
// Alertmanager for stories on fake time, and is held against the real one by
// this package's tests.
//
// What the two directions must agree on, since flow compares their words: times
// are cut to milliseconds in UTC (the API has no more), labels without a value
// are absent, and a receiver's name is the configured one (the webhook sends it
// with regular-expression quoting).
package alertmanager
