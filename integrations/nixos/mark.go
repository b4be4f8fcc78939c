package nixos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"unicode"
	"unicode/utf8"
)

// MarkPath is where a system has its Mark, below its top level and, while it runs,
// below "/". docs/host-mark.md describes the format for whoever writes one.
const MarkPath = "etc/watchstander/host.json"

// Mark is what a system says of itself that none of its other files tell. It is
// written when the system is built, and is part of it.
type Mark struct {
	// Version of the format, 1. Members are added without a new one; it changes when
	// one comes to mean something else.
	Version int `json:"version"`
	// Host is the configured name of the host that the system is for.
	Host string `json:"host"`
	// StateVersion is system.stateVersion, Loader system.boot.loader.id.
	StateVersion string `json:"state_version"`
	Loader       string `json:"loader"`
	// Secrets names the version of the secrets that it deploys, by what the lock file
	// knows of their source; never by anything read from the secrets.
	Secrets string `json:"secrets"`
	// Bot is the bot that the system brings; nil for none.
	Bot *MarkedBot `json:"bot"`
}

// MarkedBot is a bot within a system.
type MarkedBot struct {
	Version string `json:"version"`
	// Schema is the newest state that it reads. It grows whenever a state is no
	// longer readable by those before.
	Schema int `json:"schema"`
}

const (
	markVersion = 1
	markMost    = 64 << 10
)

// ParseMark reads a mark. It wants every member but Secrets and Bot; members that
// it does not know are left alone.
func ParseMark(data []byte) (Mark, error) {
	var m Mark
	if !utf8.Valid(data) {
		return Mark{}, errors.New("it is no UTF-8")
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Mark{}, errors.New("it is no JSON of the expected form")
	}
	if m.Version != markVersion {
		return Mark{}, fmt.Errorf("its version is %d, and only %d is known", m.Version, markVersion)
	}
	for _, f := range []struct {
		name, value string
		needed      bool
	}{{"host", m.Host, true}, {"state_version", m.StateVersion, true}, {"loader", m.Loader, true}, {"secrets", m.Secrets, false}} {
		switch {
		case f.value == "" && f.needed:
			return Mark{}, fmt.Errorf("%s is missing", f.name)
		case !plainWord(f.value):
			return Mark{}, fmt.Errorf("%s is no short text", f.name)
		}
	}
	if b := m.Bot; b != nil && (b.Version == "" || !plainWord(b.Version) || b.Schema < 1) {
		return Mark{}, errors.New("bot has no version or no schema")
	}
	return m, nil
}

// plainWord: what can stand in a line that people read.
func plainWord(s string) bool {
	const longest = 128
	if len(s) > longest {
		return false
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return false
		}
	}
	return true
}

// mark reads a system's mark. One that is not there is no error, but nil with the
// reason.
func (n *NixOS) mark(system string) (*Mark, string) {
	data, err := n.o.Host.Files.Read(path.Join(system, MarkPath), markMost)
	switch {
	case isMissing(err):
		return nil, "it has no mark (" + MarkPath + ")"
	case errors.Is(err, fs.ErrPermission):
		return nil, "its mark may not be read"
	case err != nil:
		return nil, "its mark cannot be read"
	}
	m, err := ParseMark(data)
	if err != nil {
		return nil, "its mark cannot be used: " + err.Error()
	}
	return &m, ""
}
