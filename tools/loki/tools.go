//go:build tools

// Package loki pins Loki, and the reader of Alloy's language, with which the tests look at
// what nix/modules/logs.nix writes. It is a module of its own, so that their dependencies
// never weigh on the bot's. tools/get-real builds from it.
package loki

import (
	_ "github.com/grafana/loki/v3/cmd/loki"
)
