// Package chart draws a bot.Graph: a PNG that tells, on a phone at night, how a
// value moved, where its threshold lies and when the alert began.
//
// It is pure: no clock, no files, no network, and the same input gives the same
// bytes, so a picture can be drawn again after a crash and still be the one that
// was sent. What to draw is found out elsewhere (integrations/prometheus fills a
// bot.Graph from a query); where the picture goes is the business of bot/flow and
// the chats. The zone is the operator's and comes with the Options.
//
// All text in a graph is foreign: labels come from whatever is scraped. It is
// cleaned and cut to its place here (text.go), and no text can move the layout.
//
// Gaps stay gaps. A line is drawn only between neighbouring samples; where one is
// missing, NaN or infinite, the line is broken, because a bridge over a gap would
// claim a measurement that nobody made.
//
// The files, in the order in which a picture is made: chart.go (entry, limits),
// model.go (the graph made fit to draw), scale.go, units.go and clock.go (axes),
// layout.go and legend.go (what stands where), panel.go (the plot), pen.go
// (the canvas), theme.go (colours), alt.go (the picture in words).
package chart
