# watchstander.alertmanager: Alertmanager on this host, which leads alerts to the bot. The
# Watchdog, critical alerts and those about the bot go to a second receiver as well, which does
# not need the bot: it could not tell that it is down.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.alertmanager;
  second = cfg.secondReceiver;
  # By the lines that bring the bot into a room (watchstander-room.nix), and by them alone.
  made = "/var/lib/watchstander-webhook/token";

  secretFile = what: mkOption {
    type = types.nullOr (types.strMatching "/.+");
    default = null;
    description = "A file with ${what}, which may be root's alone. Its path is a string, so that Nix copies nothing.";
  };
  # As Alertmanager sees what systemd hands over.
  handed = name: "/run/credentials/alertmanager.service/${name}";
  # NixOS runs envsubst on the file: a literal $ is $$.
  literal = v:
    if builtins.isString v then lib.replaceStrings [ "$" ] [ "$$" ] v
    else if builtins.isList v then map literal v
    else if builtins.isAttrs v then lib.mapAttrs (_: literal) v
    else v;

  hasSecond = second.email.to != null || second.webhook.urlFile != null;
  webhookOf = file: { url_file = handed file; send_resolved = true; max_alerts = 0; };
  receivers =
    [{
      name = cfg.bot.receiver;
      webhook_configs = [{
        inherit (cfg.bot) url;
        # The bot shows when it is over, and must see the whole group.
        send_resolved = true;
        max_alerts = 0;
        http_config.authorization = { type = "Bearer"; credentials_file = handed "webhook-token"; };
      }];
    }]
    ++ lib.optional (cfg.deadMan.urlFile != null) {
      name = "dead-man";
      webhook_configs = [ (webhookOf "dead-man-url" // { send_resolved = false; }) ];
    }
    ++ lib.optional hasSecond ({ name = "second"; }
      // lib.optionalAttrs (second.email.to != null) {
      email_configs = [
        ({
          inherit (second.email) to from smarthost;
          require_tls = true;
          send_resolved = true;
        } // lib.optionalAttrs (second.email.username != null) {
          auth_username = second.email.username;
          auth_password_file = handed "smtp-password";
        })
      ];
    } // lib.optionalAttrs (second.webhook.urlFile != null) { webhook_configs = [ (webhookOf "second-url") ]; });

  bot = cfg.bot.receiver;
  # Said again at each group_interval: with the same repeat_interval every second one would be left
  # out, since the last was said a moment after its interval began.
  watchdog = { matchers = [ ''alertname="Watchdog"'' ]; group_by = [ "alertname" ]; group_wait = "0s"; group_interval = "1m"; repeat_interval = "50s"; };
  route = {
    receiver = bot;
    # One thread for each alert of a host.
    group_by = [ "alertname" "instance" ];
    group_wait = "30s";
    group_interval = "5m";
    repeat_interval = "1d";
    routes =
      # First, and each delivery: its absence is the alarm.
      lib.optional (cfg.deadMan.urlFile != null) (watchdog // { receiver = "dead-man"; continue = true; })
      ++ [ (watchdog // { receiver = bot; }) ]
      ++ lib.optionals hasSecond [
        { matchers = [ ''severity="critical"'' ]; receiver = "second"; group_wait = "10s"; repeat_interval = "4h"; continue = true; }
        # Critical ones have gone there already.
        { matchers = [ ''about="bot"'' ''severity!="critical"'' ]; receiver = "second"; repeat_interval = "1d"; continue = true; }
      ]
      ++ cfg.routes
      ++ [
        { matchers = [ ''severity="critical"'' ]; receiver = bot; group_wait = "10s"; }
        # The bot tells these in its digest.
        { matchers = [ ''severity="info"'' ]; receiver = bot; group_wait = "5m"; group_interval = "30m"; }
        # What continued through a route above would end there, without this one.
        { receiver = bot; }
      ];
  };

  # Each keeps to one thing, and silences nothing critical.
  inhibitions = [
    { source_matchers = [ ''alertname="HostOutOfDiskSpace"'' ]; target_matchers = [ ''alertname="HostDiskSpaceLow"'' ]; equal = [ "instance" "mountpoint" ]; }
    { source_matchers = [ ''alertname=~"SloBurnsIn1h|SloBurnsIn6h"'' ]; target_matchers = [ ''alertname=~"SloBurnsIn1d|SloBurnsIn3d|SloBudgetSpent"'' ]; equal = [ "instance" "slo" ]; }
    { source_matchers = [ ''alertname="ProbeFailing"'' ]; target_matchers = [ ''alertname=~"ProbeFlapping|ProbeSlow"'' ]; equal = [ "instance" "probe" ]; }
    { source_matchers = [ ''alertname="UnitFailed"'' ]; target_matchers = [ ''alertname="UnitFlapping"'' ]; equal = [ "instance" "name" ]; }
  ] ++ cfg.inhibitions;
  swallowing = rule: rule.equal or [ ] == [ ] || rule.source_matchers or [ ] == [ ] || rule.target_matchers or [ ] == [ ];
in
{
  options.watchstander.alertmanager = {
    enable = mkEnableOption "Alertmanager, with routes to the bot and to a second receiver";
    port = mkOption { type = types.port; default = 9093; description = "The port, on 127.0.0.1 alone."; };
    externalUrl = mkOption { type = types.nullOr (types.strMatching "https?://.+"); default = null; example = "https://alerts.example.org/"; description = "Where people reach it, for links."; };
    bot = {
      url = mkOption {
        type = types.strMatching "https?://.+";
        default = "http://${config.services.watchstander.settings.listen or "127.0.0.1:9097"}/webhook/main";
        defaultText = lib.literalExpression "that of this host's bot";
        description = "The bot's webhook.";
      };
      receiver = mkOption { type = types.nonEmptyStr; default = "watchstander"; description = "The receiver's name, as the bot's settings have it (`alertmanagers: receivers`)."; };
      tokenFile = mkOption {
        type = types.strMatching "/.+";
        default = config.services.watchstander.webhookTokenFile or made;
        defaultText = lib.literalExpression "config.services.watchstander.webhookTokenFile";
        description = "A file with the secret by which the bot knows Alertmanager.";
      };
    };
    deadMan.urlFile = secretFile ''
      the address of a service outside that raises an alarm when it is not called each minute; the
      Watchdog calls it'';
    secondReceiver = {
      email = {
        to = mkOption { type = types.nullOr (types.strMatching "[^@ ]+@[^@ ]+"); default = null; example = "ops@example.org"; description = "Who gets it by mail."; };
        from = mkOption { type = types.strMatching "[^@ ]+@[^@ ]+"; default = "alertmanager@${config.networking.hostName}.invalid"; example = "vulcan@example.org"; description = "The sender."; };
        smarthost = mkOption { type = types.nullOr (types.strMatching ".+:[0-9]+"); default = null; example = "mail.example.org:587"; description = "The server, which must speak TLS."; };
        username = mkOption { type = types.nullOr types.nonEmptyStr; default = null; description = "The account there, if it wants one."; };
        passwordFile = secretFile "that account's password";
      };
      webhook.urlFile = secretFile "the address of a webhook, such as a bridge to ntfy or a pager; the address is the secret";
    };
    routes = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = [ ];
      description = "Further routes, after those of the Watchdog and of the second receiver, before those to the bot.";
    };
    inhibitions = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = [ ];
      example = [{ source_matchers = [ ''alertname="UplinkDown"'' ]; target_matchers = [ ''alertname="ProbeFailing"'' ]; equal = [ "instance" ]; }];
      description = "Further inhibitions. Each needs source, target and `equal`, and silences no critical alert.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = hasSecond;
        message = "watchstander.alertmanager.secondReceiver has neither `email.to` nor `webhook.urlFile`: critical alerts and those about the bot would reach nobody while the bot is down. Give one of them.";
      }
      {
        assertion = cfg.deadMan.urlFile != null;
        message = "watchstander.alertmanager.deadMan.urlFile is not set: when this host dies, nobody is told. Name a file with the address of a service outside that misses the Watchdog.";
      }
      {
        assertion = cfg.bot.tokenFile != made || config.systemd.services ? watchstander-webhook-token;
        message = "watchstander.alertmanager.bot.tokenFile is ${made}, which nobody makes here: Alertmanager would not start, and no alert would reach anybody. Name the file that holds the bot's secret (services.watchstander.webhookTokenFile, where the bot is on this host).";
      }
      {
        assertion = second.email.to != null -> second.email.smarthost != null;
        message = "watchstander.alertmanager.secondReceiver.email.smarthost is not set: give the mail server and its port.";
      }
      {
        assertion = (second.email.username == null) == (second.email.passwordFile == null);
        message = "watchstander.alertmanager.secondReceiver.email has only one of `username` and `passwordFile`: give both, or none.";
      }
      {
        assertion = !lib.any swallowing cfg.inhibitions;
        message = "watchstander.alertmanager.inhibitions: one has no source, no target or no `equal`, and would silence far more than it is about.";
      }
      {
        assertion = lib.all (path: path == null || !lib.hasPrefix builtins.storeDir path) [ cfg.bot.tokenFile cfg.deadMan.urlFile second.webhook.urlFile second.email.passwordFile ];
        message = "watchstander.alertmanager: a secret lies in the store, where everybody may read it. Give its path as a string, outside of the store.";
      }
    ];

    environment.systemPackages = [ pkgs.prometheus-alertmanager ]; # amtool

    services.prometheus.alertmanager = {
      enable = true;
      listenAddress = "127.0.0.1";
      inherit (cfg) port;
      webExternalUrl = cfg.externalUrl;
      # A single one: nobody is to join it.
      extraFlags = [ "--cluster.listen-address=" ];
      configuration = literal {
        inherit route receivers;
        inhibit_rules = map (r: r // { target_matchers = r.target_matchers or [ ] ++ [ ''severity!="critical"'' ]; }) inhibitions;
      };
    };

    # The secret is made at the first start, by a unit that comes before.
    systemd.services.alertmanager.serviceConfig.LoadCredential =
      [ "webhook-token:${cfg.bot.tokenFile}" ]
      ++ lib.optional (cfg.deadMan.urlFile != null) "dead-man-url:${cfg.deadMan.urlFile}"
      ++ lib.optional (second.webhook.urlFile != null) "second-url:${second.webhook.urlFile}"
      ++ lib.optional (second.email.passwordFile != null) "smtp-password:${second.email.passwordFile}";
  };
}
