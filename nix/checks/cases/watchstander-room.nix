# The few lines that bring the bot into one room.
{ lib, evaluate, broken, tells, ... }:
let
  of = lines: evaluate [{ services.watchstander = { enable = true; } // lines; networking.hostName = "house"; }];
  matrix = {
    matrix = { homeserver = "https://matrix.example.org"; user = "@ws:example.org"; tokenFile = "/run/secrets/ws"; room = "!abc:example.org"; };
    operators.alice = "@alice:example.org";
  };
  slack = {
    slack = { team = "T024BE7LD"; botTokenFile = "/run/secrets/bot"; appTokenFile = "/run/secrets/app"; channel = "C024BE91L"; };
    operators.alice = "T024BE7LD/U012AB3CD";
  };
  http = slack // { slack = removeAttrs slack.slack [ "appTokenFile" ] // { http.signingSecretFile = "/run/secrets/signing"; }; };
  both = matrix // slack // { operators.alice = [ "@alice:example.org" "T024BE7LD/U012AB3CD" ]; };
  settings = lines: (of lines).services.watchstander.settings;
  credentials = lines: (of lines).services.watchstander.credentials;
in
{
  holds = {
    "Matrix: nothing is missing" = broken (of matrix) == [ ];
    "Matrix: the room" = (settings matrix).rooms == [{ name = "matrix"; chat = "matrix"; id = "!abc:example.org"; }];
    "Matrix: the secrets" = credentials matrix == { matrix-token = "/run/secrets/ws"; webhook-token = "/var/lib/watchstander-webhook/token"; };
    "Matrix: the person" = (settings matrix).people == [{ name = "alice"; roles = [ "operator" "approver" ]; matrix = [ "@alice:example.org" ]; }];
    "Slack: nothing is missing" = broken (of slack) == [ ];
    "Slack: the person" = (settings slack).people == [{ name = "alice"; roles = [ "operator" "approver" ]; slack = [ "T024BE7LD/U012AB3CD" ]; }];
    "Slack: the secrets" = lib.attrNames (credentials slack) == [ "slack-app-token" "slack-bot-token" "webhook-token" ];
    "Slack over HTTP: nothing is missing" = broken (of http) == [ ];
    "Slack over HTTP: the chat" = (lib.head (settings http).chats).slack == {
      team = "T024BE7LD";
      bot_token_file = "slack-bot-token";
      http = { listen = "127.0.0.1:9098"; signing_secret_file = "slack-signing-secret"; };
    };
    "Slack over HTTP: the secrets" = credentials http == {
      slack-bot-token = "/run/secrets/bot";
      slack-signing-secret = "/run/secrets/signing";
      webhook-token = "/var/lib/watchstander-webhook/token";
    };
    "Slack in no way is told" = tells "slack wants one of appTokenFile" (of (slack // { slack = removeAttrs slack.slack [ "appTokenFile" ]; }));
    "Slack in both ways is told" = tells "slack wants one of appTokenFile" (of (slack // { slack = slack.slack // http.slack; }));
    "both: one person, two accounts, every route in both rooms" =
      lib.length (settings both).people == 1 && lib.all (r: r.rooms == [ "matrix" "slack" ]) (settings both).routes;
    "the host" = (lib.head (settings matrix).hosts).match == [ ''instance=~"house(:[0-9]+)?"'' ];
    "the Watchdog is a heartbeat" = (lib.head (settings matrix).routes).as == "heartbeat";
    "the secret of the webhook is made" = (of matrix).systemd.services ? watchstander-webhook-token;
    "or brought" = !((of (matrix // { webhookTokenFile = "/run/secrets/hook"; })).systemd.services ? watchstander-webhook-token);
    "settings of one's own count" = (settings (matrix // { settings.routes = [{ rooms = [ "matrix" ]; }]; })).routes == [{ rooms = [ "matrix" ]; }];
    "half an account is told" = tells "services.watchstander.matrix lacks user, tokenFile" (of (matrix // { matrix = { homeserver = "https://m.example.org"; room = "!a:b"; }; }));
    "nobody to obey is told" = tells "operators is empty" (of (removeAttrs matrix [ "operators" ]));
    "nothing without a room" = (of { settings.chats = [{ name = "x"; }]; }).services.watchstander.credentials == { };
  };
  refused = {
    "a token in the place of its file" = (of (matrix // { matrix = matrix.matrix // { tokenFile = "syt_secret"; }; })).services.watchstander.matrix.tokenFile;
    "a file that Nix would copy" = (of (matrix // { matrix = matrix.matrix // { tokenFile = ./watchstander-room.nix; }; })).services.watchstander.matrix.tokenFile;
  };
}
