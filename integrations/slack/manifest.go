package slack

import (
	_ "embed"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/slack-go/slack"

	"watchstander/bot"
)

//go:embed manifest.yaml
var manifest string

// Manifest is the app's manifest, in YAML with comments: what it may and hears, exactly
// as this package needs it. An address makes it one of an app that Slack calls there
// (HTTP mode); "" of one that calls Slack (Socket Mode). The address is https, with
// the path that the bot is found at.
func Manifest(address string) (string, error) {
	if address == "" {
		return manifest, nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "":
		return "", bot.Errorf(bot.CodeInvalid, "Slack calls addresses of the form https://bot.example.org/slack/NAME alone.")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", bot.Errorf(bot.CodeInvalid, "The address holds more than a host and a path.")
	case strings.Trim(u.Path, "/") == "":
		return "", bot.Errorf(bot.CodeInvalid, "The address has no path: the bot listens at /slack/NAME, with the chat's name in the configuration.")
	}
	// Lines are added to the file as it stands, so that its comments stay.
	quoted := strconv.QuoteToASCII(u.String())
	return strings.NewReplacer(
		"      should_escape: true\n", "      should_escape: true\n      url: "+quoted+"\n",
		"  event_subscriptions:\n", "  event_subscriptions:\n    request_url: "+quoted+"\n",
		"    is_enabled: true\n", "    is_enabled: true\n    request_url: "+quoted+"\n",
		"  socket_mode_enabled: true\n", "  socket_mode_enabled: false\n",
	).Replace(manifest), nil
}

// scopes are what the manifest asks for, in its order.
var scopes = sync.OnceValue(func() []string {
	var m slack.Manifest
	if err := yaml.Unmarshal([]byte(manifest), &m); err != nil {
		panic(err) // the file is a part of the program
	}
	return m.OAuthConfig.Scopes.Bot
})
