//go:build tools

// Package dendrite pins the Matrix homeserver that the tests of real outside
// parts run against. It is a module of its own, so that a homeserver's
// dependencies never weigh on the bot's. tools/get-real builds from it.
package dendrite

import (
	_ "github.com/matrix-org/dendrite/cmd/create-account"
	_ "github.com/matrix-org/dendrite/cmd/dendrite"
	_ "github.com/matrix-org/dendrite/cmd/generate-keys"
)
