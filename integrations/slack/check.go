package slack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// Check asks Slack everything that must be true before the bot can work, and reports
// each as a reading: a question without a usable answer is not ok, whatever the reason,
// and what could not be asked because of it is named as unknown. It changes nothing: no
// connection is made, no channel entered.
func (c *Chat) Check(ctx context.Context) []bot.Reading {
	r := &report{chat: c}
	who, err := c.api.AuthTestContext(ctx)
	r.add("slack workspace", "auth.test", err, func() {
		name := fmt.Sprintf("%s (%s)", clean.Text(who.Team), clean.Text(who.TeamID))
		if who.TeamID != c.team {
			r.bad(name, "the bot token is of this workspace, but "+c.team+" is configured")
			return
		}
		r.ok(name)
	})
	if err != nil {
		return r.unasked("Slack did not take the bot token, or gave no answer")
	}
	r.add("slack account", "auth.test", nil, func() {
		if who.BotID == "" {
			r.bad(clean.Text(who.User), "the token is a person's: the bot's begins with \"xoxb-\" (the app's page, OAuth & Permissions)")
			return
		}
		r.ok(fmt.Sprintf("%s (%s)", clean.Text(who.User), clean.Text(who.UserID)))
	})
	r.add("slack scopes", "auth.test", nil, func() { r.scopes(who.Header) })
	if c.signing == "" {
		_, address, err := c.api.StartSocketModeContext(ctx)
		r.add("slack socket mode", "apps.connections.open", err, func() {
			if address == "" {
				r.bad("no usable answer", "Slack gave no address to connect to")
				return
			}
			r.ok("can be opened")
		})
	}
	for _, name := range slices.Sorted(maps.Keys(c.rooms)) {
		r.room(ctx, name, c.rooms[name])
	}
	return r.readings
}

type report struct {
	chat     *Chat
	readings []bot.Reading
	now      bot.Reading
}

// add makes one reading: not ok when the question failed, else what judge says.
func (r *report) add(what, source string, err error, judge func()) {
	r.now = bot.Reading{What: what, Source: source, At: r.chat.now().UTC(), State: bot.Unknown}
	if err == nil {
		judge()
	} else {
		r.bad(trouble(err))
	}
	r.readings = append(r.readings, r.now)
}

func (r *report) ok(value string) { r.now.State, r.now.Value = bot.OK, value }
func (r *report) bad(value, note string) {
	r.now.State, r.now.Value, r.now.Note = bot.NotOK, value, note
}

// unasked names everything that was not looked at, and why: what nobody looked at must
// not be missing from the list as if it were well.
func (r *report) unasked(why string) []bot.Reading {
	what := []string{"slack account", "slack scopes"}
	if r.chat.signing == "" {
		what = append(what, "slack socket mode")
	}
	for _, name := range slices.Sorted(maps.Keys(r.chat.rooms)) {
		what = append(what, fmt.Sprintf("slack channel %q", name))
	}
	for _, w := range what {
		r.readings = append(r.readings, bot.Reading{What: w, Value: "not asked", Note: why, At: r.chat.now().UTC(), State: bot.Unknown})
	}
	return r.readings
}

// scopes compares what the token may with what the manifest asks for.
func (r *report) scopes(h http.Header) {
	granted := strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(c rune) bool { return c == ',' || c == ' ' })
	if len(granted) == 0 {
		r.now.Value, r.now.Note = "not told", "Slack's answer does not say what the token may"
		return
	}
	var missing, further []string
	for _, s := range scopes() {
		if !slices.Contains(granted, s) {
			missing = append(missing, s)
		}
	}
	for _, s := range granted {
		if !slices.Contains(scopes(), s) {
			further = append(further, clean.Text(s))
		}
	}
	if len(missing) > 0 {
		r.bad("too few", "missing: "+strings.Join(missing, ", ")+"; put the manifest (watchstander slack manifest) into the app's page, App Manifest, and install the app again")
		return
	}
	r.ok("all that are needed")
	if len(further) > 0 {
		r.now.Note = "for information: the token may more than the bot needs: " + strings.Join(further, ", ")
	}
}

func (r *report) room(ctx context.Context, name bot.RoomID, id string) {
	what := fmt.Sprintf("slack channel %q", name)
	if strings.HasPrefix(id, "D") {
		// Only who is in it can read it, and it has nothing else to ask for.
		_, err := r.chat.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: id, Limit: 1})
		r.add(what, "conversations.history", err, func() { r.ok("a direct message with the bot") })
		return
	}
	ch, err := r.chat.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	r.add(what, "conversations.info", err, func() {
		called := "#" + clean.Text(ch.Name)
		switch {
		case ch.ID != id:
			r.bad(called, fmt.Sprintf("Slack knows %s as %s now: put that id into the configuration", id, clean.Text(ch.ID)))
		case ch.IsArchived:
			r.bad(called, "it is archived: unarchive it, or configure another one")
		case !ch.IsMember:
			r.bad(called, "the bot is not in it: type \"/invite @watchstander\" there")
		default:
			r.ok(called + ", the bot is in it")
			if ch.IsExtShared || ch.IsPendingExtShared {
				r.now.Note = "for information: it is shared with other workspaces, whose people read what is said; the bot obeys none of them"
			}
		}
	})
}

// trouble is a failed call in a few words, and what to do about it.
func trouble(err error) (value, note string) {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		word := short(clean.Text(e.Err), 60)
		switch help := remedies[e.Err]; {
		case e.Err == "missing_scope" && e.Needed != "":
			return "refused", fmt.Sprintf("%s: %s (it lacks %s)", word, help, short(clean.Text(e.Needed), 100))
		case help != "":
			return "refused", word + ": " + help
		}
		if slices.Contains(busy, e.Err) {
			return "no usable answer", word
		}
		return "refused", word
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer", "none came in time"
	}
	why := strings.TrimPrefix(wrap(err).Error(), "slack: ")
	if _, limited := errors.AsType[*slack.RateLimitedError](err); limited {
		return "no usable answer", why
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return "no usable answer", fmt.Sprintf("HTTP %d: is something between the bot and Slack?", e.Code)
	}
	return "no answer", why + "; look whether this host gets out to https://slack.com, and wss:// too"
}

// remedies are what people do about Slack's words.
var remedies = map[string]string{
	"not_authed":             newToken,
	"invalid_auth":           newToken,
	"token_revoked":          newToken,
	"token_expired":          newToken,
	"account_inactive":       "the app was removed from the workspace, or its bot was: install it again, and put the new token into its file",
	"not_allowed_token_type": "this is another kind of token: the bot's begins with \"xoxb-\", that of Socket Mode with \"xapp-\"",
	"missing_scope":          "the token may not ask this: put the manifest (watchstander slack manifest) into the app's page, App Manifest, and install the app again; an app-level token needs connections:write",
	"channel_not_found":      "there is no such channel, or a private one that the bot is not in: type \"/invite @watchstander\" there, and compare the id",
	"not_in_channel":         "the bot is not in it: type \"/invite @watchstander\" there",
	"team_added_to_org":      "the workspace became a part of an organization: install the app again, and put the new token into its file",
	"access_denied":          "an administrator of the workspace must let the app in",
	"org_login_required":     "the workspace is being moved into an organization: try later",
}

const newToken = "the token is not accepted: copy it anew from the app's page into its file, and restart the bot"
