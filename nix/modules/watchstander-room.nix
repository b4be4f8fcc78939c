# services.watchstander.{matrix,slack,operators}: the few lines that bring the bot into one
# room. They become settings, each of which can be given in full instead
# (services.watchstander.settings), and a secret between Alertmanager and the bot, which is
# made on the host and never leaves it.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.services.watchstander;
  inherit (cfg) matrix slack;

  secret = what: mkOption {
    type = types.nullOr (types.strMatching "/.+");
    default = null;
    example = "/run/secrets/watchstander/token";
    description = "A file with ${what}, which may be root's alone. Its path alone is known here: as a string, so that Nix copies nothing.";
  };
  text = example: description: mkOption { type = types.nullOr types.nonEmptyStr; default = null; inherit example description; };

  onMatrix = matrix.room != null;
  onSlack = slack.channel != null;
  rooms = lib.optional onMatrix "matrix" ++ lib.optional onSlack "slack";
  started = cfg.enable && rooms != [ ];

  # Who may be told apart by their accounts: "@alice:example.org", "T024BE7LD/U012AB3CD".
  accountsOf = name: accounts: { inherit name; roles = [ "operator" "approver" ]; }
    // lib.filterAttrs (_: v: v != [ ]) {
    matrix = lib.filter (lib.hasPrefix "@") accounts;
    slack = lib.filter (a: !(lib.hasPrefix "@" a)) accounts;
  };

  missing = set: names: lib.filter (n: set.${n} == null) names;
  whole = what: set: names: {
    assertion = missing set names == [ ];
    message = "services.watchstander.${what} lacks ${lib.concatStringsSep ", " (missing set names)}.";
  };
in
{
  options.services.watchstander = {
    matrix = {
      homeserver = text "https://matrix.example.org" "The base address of the homeserver's client API.";
      user = text "@watchstander:example.org" "The bot's own account there.";
      tokenFile = secret "the account's access token";
      room = text "!abcdefghijklmnopqr:example.org" "The room's id, as its settings show it. An alias (`#ops:…`) will not do.";
    };
    slack = {
      team = text "T024BE7LD" "The workspace's id.";
      botTokenFile = secret "the bot's token (`xoxb-…`)";
      appTokenFile = secret "the app-level token for Socket Mode (`xapp-…`)";
      http = {
        signingSecretFile = secret "the app's signing secret (in the place of the app-level token, where Slack calls the bot)";
        listen = mkOption {
          type = types.nonEmptyStr;
          default = "127.0.0.1:9098";
          description = "Where the bot then listens for what a proxy passes on from Slack: the path `/slack/slack`, and `/healthz`.";
        };
      };
      channel = text "C024BE91L" "The channel's id, as its details show it. A name (`#ops`) will not do.";
    };
    operators = mkOption {
      type = types.attrsOf (types.coercedTo types.nonEmptyStr lib.singleton (types.listOf types.nonEmptyStr));
      default = { };
      example = { alice = [ "@alice:example.org" "T024BE7LD/U012AB3CD" ]; };
      description = ''
        The people whom the bot obeys, by the name under which their deeds are told, with their
        accounts: a Matrix id, or a workspace's and a person's id of Slack. They are operators and
        approvers; other roles are given in `settings.people` instead.
      '';
    };
    certificates = mkOption {
      type = types.listOf (types.attrsOf types.nonEmptyStr);
      default = [ ];
      example = [{ address = "git.example.org:443"; }];
      description = "Certificates of this host's services at which the bot looks itself, as docs/configuration.md tells `hosts[].certificates`. They are for the host that is set up by these lines; in hosts of your own (`settings.hosts`) they stand with the host.";
    };
    webhookTokenFile = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/watchstander-webhook/token";
      description = ''
        A file with the secret by which the bot knows Alertmanager, on both sides. The default is
        made by a unit of its own at the first start.
      '';
    };
  };

  config = mkIf started {
    assertions =
      lib.optional onMatrix (whole "matrix" matrix [ "homeserver" "user" "tokenFile" ])
      ++ lib.optional onSlack (whole "slack" slack [ "team" "botTokenFile" ])
      ++ lib.optional onSlack {
        assertion = (slack.appTokenFile == null) != (slack.http.signingSecretFile == null);
        message = "services.watchstander.slack wants one of appTokenFile (the bot calls Slack) and http.signingSecretFile (Slack calls the bot).";
      }
      ++ [{
        assertion = cfg.operators != { } || (cfg.settings.people or [ ]) != [ ];
        message = "services.watchstander.operators is empty: the bot would obey nobody.";
      }];

    services.watchstander = {
      settings = {
        chats = lib.optional onMatrix { name = "matrix"; matrix = { inherit (matrix) homeserver user; token_file = "matrix-token"; }; }
          ++ lib.optional onSlack {
          name = "slack";
          slack = { inherit (slack) team; bot_token_file = "slack-bot-token"; }
            // (if slack.http.signingSecretFile == null then { app_token_file = "slack-app-token"; }
          else { http = { inherit (slack.http) listen; signing_secret_file = "slack-signing-secret"; }; });
        };
        rooms = lib.optional onMatrix { name = "matrix"; chat = "matrix"; id = matrix.room; }
          ++ lib.optional onSlack { name = "slack"; chat = "slack"; id = slack.channel; };
        people = lib.mapAttrsToList accountsOf cfg.operators;
        zone = mkDefault (if config.time.timeZone == null then "UTC" else config.time.timeZone);
        hosts = mkDefault [
          ({
            name = config.networking.hostName;
            match = [ ''instance=~"${lib.escapeRegex (config.watchstander.prometheus.instance or config.networking.hostName)}(:[0-9]+)?"'' ];
            local = true;
          } // lib.optionalAttrs cfg.agent.enable { agent = { }; }
          // lib.optionalAttrs (cfg.certificates != [ ]) { inherit (cfg) certificates; })
        ];
        alertmanagers = mkDefault [{ name = "main"; urls = [ "http://127.0.0.1:${toString (config.watchstander.alertmanager.port or 9093)}" ]; receivers = [ "watchstander" ]; }];
        webhooks = mkDefault [{ name = "main"; alertmanager = "main"; bearer_token_file = "webhook-token"; }];
        routes = mkDefault [
          { match = [ ''alertname="Watchdog"'' ]; as = "heartbeat"; absent_after = "10m"; inherit rooms; }
          { match = [ ''severity="info"'' ]; as = "digest"; inherit rooms; }
          { inherit rooms; }
        ];
      };
      credentials = { webhook-token = mkDefault cfg.webhookTokenFile; }
        // lib.optionalAttrs (matrix.tokenFile != null) { matrix-token = matrix.tokenFile; }
        // lib.optionalAttrs (slack.botTokenFile != null) { slack-bot-token = slack.botTokenFile; }
        // lib.optionalAttrs (slack.appTokenFile != null) { slack-app-token = slack.appTokenFile; }
        // lib.optionalAttrs (slack.http.signingSecretFile != null) { slack-signing-secret = slack.http.signingSecretFile; };
    };

    systemd.services.watchstander-webhook-token = mkIf (cfg.webhookTokenFile == "/var/lib/watchstander-webhook/token") {
      description = "The secret between Alertmanager and Watchstander, made once";
      requiredBy = [ "watchstander.service" ];
      before = [ "watchstander.service" "alertmanager.service" ];
      # Alertmanager's too: a switch starts units one by one, and it would find no secret yet.
      wantedBy = [ "multi-user.target" "alertmanager.service" ];
      unitConfig.ConditionPathExists = "!/var/lib/watchstander-webhook/token";
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        # Written beside its place, so that a crash leaves no half of it.
        ExecStart = "${lib.getExe' pkgs.openssl "openssl"} rand -hex -out /var/lib/watchstander-webhook/new 32";
        ExecStartPost = "${lib.getExe' pkgs.coreutils "mv"} /var/lib/watchstander-webhook/new /var/lib/watchstander-webhook/token";
        TimeoutStartSec = "1min";
        StateDirectory = "watchstander-webhook";
        StateDirectoryMode = "0700";
        UMask = "0077";
        CapabilityBoundingSet = "";
        PrivateDevices = true;
        PrivateNetwork = true;
      };
    };
  };
}
