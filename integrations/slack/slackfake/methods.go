package slackfake

type method struct {
	scope  string // one of them, separated by "|"; "" where none is needed
	app    bool   // takes the app-level token
	tier   int    // calls a minute
	args   string // known arguments, separated by spaces; "!" before those that must be there, "-" before those without effect
	handle func(*Fake, *call) *failure
}

// Tiers of the Web API, in calls a minute (documented: "Rate limits").
const (
	tier1, tier2, tier3, tier4 = 1, 20, 50, 100
	special                    = 600 // "special" tiers allow hundreds of calls a minute
)

// methods are those that the app may call; what else there is at Slack is unknown here.
// Their scopes and tiers are documented with each. apps.connections.open is of tier 1
// ("1+ a minute"), but several connections are made at a time: here it takes 60.
var methods map[string]method

func init() {
	methods = map[string]method{
		"auth.test":                    {tier: special, handle: (*Fake).authTest},
		"team.info":                    {scope: "team:read", tier: tier3, args: "team domain", handle: (*Fake).teamInfo},
		"users.info":                   {scope: "users:read", tier: tier4, args: "!user include_locale", handle: (*Fake).usersInfo},
		"bots.info":                    {scope: "users:read", tier: tier3, args: "bot team_id", handle: (*Fake).botsInfo},
		"conversations.info":           {scope: "channels:read|groups:read|im:read|mpim:read", tier: tier3, args: "!channel include_locale include_num_members", handle: (*Fake).conversationsInfo},
		"conversations.open":           {scope: "im:write", tier: tier3, args: "channel users return_im prevent_creation", handle: (*Fake).conversationsOpen},
		"conversations.history":        {scope: "channels:history|groups:history|im:history|mpim:history", tier: tier3, args: "!channel cursor limit oldest latest inclusive include_all_metadata", handle: (*Fake).history},
		"conversations.replies":        {scope: "channels:history|groups:history|im:history|mpim:history", tier: tier3, args: "!channel !ts cursor limit oldest latest inclusive include_all_metadata", handle: (*Fake).replies},
		"chat.postMessage":             {scope: "chat:write", args: "!channel text blocks attachments metadata thread_ts reply_broadcast mrkdwn parse link_names unfurl_links unfurl_media", handle: (*Fake).postMessage},
		"chat.postEphemeral":           {scope: "chat:write", tier: tier4, args: "!channel !user text blocks attachments thread_ts parse link_names -metadata -mrkdwn -unfurl_links -unfurl_media", handle: (*Fake).postEphemeral},
		"chat.update":                  {scope: "chat:write", tier: tier3, args: "!channel !ts text blocks attachments metadata parse link_names reply_broadcast as_user file_ids -mrkdwn -unfurl_links -unfurl_media", handle: (*Fake).update},
		"chat.delete":                  {scope: "chat:write", tier: tier3, args: "!channel !ts as_user", handle: (*Fake).delete},
		"chat.getPermalink":            {tier: special, args: "!channel !message_ts", handle: (*Fake).getPermalink},
		"files.getUploadURLExternal":   {scope: "files:write", tier: tier4, args: "!filename !length alt_txt alt_text snippet_type", handle: (*Fake).getUploadURL},
		"files.completeUploadExternal": {scope: "files:write", tier: tier4, args: "!files channel_id channels initial_comment thread_ts blocks", handle: (*Fake).completeUpload},
		"files.info":                   {scope: "files:read", tier: tier4, args: "!file count page limit cursor", handle: (*Fake).filesInfo},
		"files.delete":                 {scope: "files:write", tier: tier3, args: "!file", handle: (*Fake).filesDelete},
		"reactions.add":                {scope: "reactions:write", tier: tier3, args: "!name !channel !timestamp", handle: (*Fake).reactionsAdd},
		"reactions.remove":             {scope: "reactions:write", tier: tier2, args: "!name !channel !timestamp", handle: (*Fake).reactionsRemove},
		"reactions.get":                {scope: "reactions:read", tier: tier3, args: "!channel !timestamp full", handle: (*Fake).reactionsGet},
		"views.open":                   {tier: tier4, args: "!trigger_id !view", handle: (*Fake).viewsOpen},
		"views.push":                   {tier: tier4, args: "!trigger_id !view", handle: (*Fake).viewsPush},
		"views.update":                 {tier: tier4, args: "!view view_id external_id hash", handle: (*Fake).viewsUpdate},
		"apps.connections.open":        {app: true, tier: tier1 * 60, handle: (*Fake).connectionsOpen},
	}
}
