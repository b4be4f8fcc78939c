//go:build !race

package bottest

// raced tells whether the race detector looks on.
const raced = false
