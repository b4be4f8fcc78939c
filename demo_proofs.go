package main

import (
	"crypto/rand"
	"encoding/base32"
	"os"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"watchstander/bot/config"
)

// demoProofs is what the visitor has to prove themselves with, and when the demo's
// window opens. Both are made for one demo.
type demoProofs struct {
	seed  string
	opens time.Time
}

// demoOpens is how long the window is away: nobody stays for as long.
const demoOpens = 2 * time.Hour

func newDemoProofs() demoProofs {
	b := make([]byte, 20) // what RFC 4226 recommends
	_, _ = rand.Read(b)   // it never fails
	return demoProofs{seed: base32.StdEncoding.EncodeToString(b), opens: time.Now().UTC().Add(demoOpens)}
}

// code is what the visitor's phone shows now.
func (p demoProofs) code() (string, error) { return totp.GenerateCode(p.seed, time.Now()) }

// agentConfig is the agent's file with what only this demo has.
func (p demoProofs) agentConfig(d demoDir) (*config.Agent, error) {
	if err := os.WriteFile(d.file("seed"), []byte(p.seed), 0o600); err != nil {
		return nil, err
	}
	const clock = "15:04"
	text := strings.NewReplacer("\"OPENS\"", `"`+p.opens.Format(clock)+`"`, "\"CLOSES\"", `"`+p.opens.Add(time.Hour).Format(clock)+`"`).Replace(string(demoAgentFile))
	return config.ParseAgent([]byte(text), config.AgentOptions{File: d.file("agent.yaml"), Operations: agentOperations})
}
