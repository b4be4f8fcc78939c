# watchstander.alertmanager.
{ lib, evaluate, broken, tells, ... }:
let
  few = { deadMan.urlFile = "/run/secrets/dead-man"; secondReceiver.webhook.urlFile = "/run/secrets/second"; };
  bot = {
    services.watchstander = {
      enable = true;
      matrix = { homeserver = "https://matrix.example.org"; user = "@w:example.org"; tokenFile = "/run/secrets/matrix"; room = "!a:example.org"; };
      operators.alice = "@alice:example.org";
    };
  };
  of = more: evaluate [ bot { watchstander.alertmanager = { enable = true; } // few // more; } ];
  elsewhere = more: evaluate [{ watchstander.alertmanager = { enable = true; } // few // more; }];
  whole = of { };
  c = whole.services.prometheus.alertmanager.configuration;
  mail = { secondReceiver.email = { to = "ops@example.org"; smarthost = "mail.example.org:587"; }; };
  routes = c.route.routes;
  names = config: map (r: r.name) config.services.prometheus.alertmanager.configuration.receivers;
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.prometheus.alertmanager.enable;
    "a few lines are enough" = broken whole == [ ] && broken (of mail) == [ ];
    "it listens to this host alone" = whole.services.prometheus.alertmanager.listenAddress == "127.0.0.1" && lib.elem "--cluster.listen-address=" whole.services.prometheus.alertmanager.extraFlags;
    "the Watchdog is first, and each delivery counts" = (lib.head routes).matchers == [ ''alertname="Watchdog"'' ] && (lib.head routes).group_interval == "1m";
    # Tried with Alertmanager 0.25: with 1m it was delivered every two minutes.
    "none is left out" = lib.all (r: r.repeat_interval == "50s") (lib.filter (r: r.matchers or [ ] == [ ''alertname="Watchdog"'' ]) routes);
    "it leaves the house, and comes to the bot" = map (r: r.receiver) (lib.filter (r: r.matchers or [ ] == [ ''alertname="Watchdog"'' ]) routes) == [ "dead-man" "watchstander" ];
    "what is led on ends at the bot" = lib.last routes == { receiver = "watchstander"; };
    "a thread for each alert of a host" = c.route.group_by == [ "alertname" "instance" ];
    "no reminders within a day" = c.route.repeat_interval == "1d";
    "the bot's secret comes from systemd" = (lib.head (lib.head c.receivers).webhook_configs).http_config.authorization.credentials_file == "/run/credentials/alertmanager.service/webhook-token"
      && lib.elem "webhook-token:/var/lib/watchstander-webhook/token" whole.systemd.services.alertmanager.serviceConfig.LoadCredential;
    "it is the bot's own" = lib.elem "webhook-token:/run/secrets/hook" (evaluate [{ services.watchstander.webhookTokenFile = "/run/secrets/hook"; watchstander.alertmanager = { enable = true; } // few; }]).systemd.services.alertmanager.serviceConfig.LoadCredential;
    "who calls whom where follows" =
      let
        moved = evaluate [
          bot
          { services.watchstander.settings.listen = "127.0.0.1:9200"; watchstander.alertmanager = { enable = true; port = 9201; } // few; watchstander.prometheus.port = 9202; }
        ];
      in
      moved.watchstander.alertmanager.bot.url == "http://127.0.0.1:9200/webhook/main"
      && (lib.head moved.services.watchstander.settings.alertmanagers).urls == [ "http://127.0.0.1:9201" ]
      && moved.watchstander.grafana.alertmanager == "http://127.0.0.1:9201" && moved.watchstander.grafana.prometheus == "http://127.0.0.1:9202";
    "the second receiver by mail" = names (of (mail // { secondReceiver = mail.secondReceiver // { webhook.urlFile = null; }; })) == [ "watchstander" "dead-man" "second" ];
    "a dollar is kept from envsubst" =
      let r = lib.findFirst (r: r ? matchers && lib.any (lib.hasInfix "vm") r.matchers) { } (of { routes = [{ matchers = [ ''instance=~"vm$"'' ]; receiver = "watchstander"; }]; }).services.prometheus.alertmanager.configuration.route.routes;
      in r.matchers == [ ''instance=~"vm$$"'' ];
    "no inhibition silences what is critical" = lib.all (r: lib.elem ''severity!="critical"'' r.target_matchers && r.equal != [ ]) c.inhibit_rules;
    "nor one of the host's own" = lib.all (r: lib.elem ''severity!="critical"'' r.target_matchers)
      (of { inhibitions = [{ source_matchers = [ ''alertname="A"'' ]; target_matchers = [ ''alertname="B"'' ]; equal = [ "instance" ]; }]; }).services.prometheus.alertmanager.configuration.inhibit_rules;
    "vulcan's bot knows the receiver" = lib.elem vulcan.watchstander.alertmanager.bot.receiver (lib.head vulcan.services.watchstander.settings.alertmanagers).receivers;
    "a secret that nobody makes is told" = tells "which nobody makes here" (elsewhere { });
    "so it is where the bot is set up in full" = tells "which nobody makes here" (evaluate [{
      services.watchstander = { enable = true; settings.chats = [{ name = "matrix"; }]; };
      watchstander.alertmanager = { enable = true; } // few;
    }]);
    "another's bot" = broken (elsewhere { bot = { url = "http://10.0.0.1:9097/webhook/main"; tokenFile = "/run/secrets/hook"; }; }) == [ ];
    "no second receiver is told" = tells "would reach nobody while the bot is down" (of { secondReceiver = { }; });
    "no dead man is told" = tells "when this host dies, nobody is told" (of { deadMan = { }; });
    "mail without a server is told" = tells "smarthost is not set" (of { secondReceiver.email.to = "ops@example.org"; });
    "half an account is told" = tells "only one of" (of { secondReceiver.email = mail.secondReceiver.email // { username = "x"; }; });
    "an inhibition of everything is told" = tells "silence far more" (of { inhibitions = [{ source_matchers = [ ''alertname="A"'' ]; target_matchers = [ ''severity="warning"'' ]; }]; });
    "a secret in the store is told" = tells "a secret lies in the store" (of { deadMan.urlFile = "${builtins.storeDir}/00000000000000000000000000000000-x"; });
  };
  refused = {
    "an address in the place of its file" = (of { deadMan.urlFile = "https://hc.example.org/x"; }).watchstander.alertmanager.deadMan.urlFile;
    "a file that Nix would copy" = (of { secondReceiver.webhook.urlFile = ./alertmanager.nix; }).watchstander.alertmanager.secondReceiver.webhook.urlFile;
    "no address of mail" = (of { secondReceiver.email.to = "ops"; }).watchstander.alertmanager.secondReceiver.email.to;
    "a user, as it once was" = (evaluate [{ services.prometheus.alertmanager.user = "x"; }]).services.prometheus.alertmanager.enable;
  };
}
