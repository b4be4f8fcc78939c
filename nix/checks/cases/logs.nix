# watchstander.logs. Loki and Alloy's language look at what is written in ../logs_test.go.
{ lib, evaluate, broken, tells, ... }:
let
  of = more: evaluate [{ networking.hostName = "house"; watchstander.logs = { enable = true; } // more; }];
  whole = of { };
  loki = whole.services.loki.configuration;
  alloy = config: config.environment.etc."alloy/watchstander-journal.alloy".source.text;
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.loki.enable && !(evaluate [ ]).services.alloy.enable && (evaluate [ ]).systemd.services == { };
    "one line is enough" = broken whole == [ ];
    "Loki listens on localhost" = loki.server.http_listen_address == "127.0.0.1" && loki.server.grpc_listen_address == "127.0.0.1";
    "and reaches nobody else" = whole.systemd.services.loki.serviceConfig.IPAddressDeny == "any" && whole.systemd.services.loki.serviceConfig.IPAddressAllow == "localhost";
    "it has no flags, so that NixOS has it look through its file" = whole.services.loki.extraFlags == [ ];
    "what is old is deleted" = loki.limits_config.retention_period == "744h" && loki.compactor.retention_enabled && loki.compactor.delete_request_store == "filesystem";
    "as long as it is told" = (of { retentionDays = 90; }).services.loki.configuration.limits_config.retention_period == "2160h";
    "Alloy listens on localhost, and tells nobody" = whole.services.alloy.extraFlags == [ "--server.http.listen-addr=127.0.0.1:12345" "--disable-reporting" ];
    "Alloy writes where Loki listens" = lib.hasInfix "http://127.0.0.1:3111/loki/api/v1/push" (alloy (of { port = 3111; }));
    "the host is named" = lib.hasInfix ''host = "house"'' (alloy whole);
    "debug stays in the journal" = lib.hasInfix ''level=\"debug\"'' (alloy whole) && !(lib.hasInfix "debug" (alloy (of { dropDebug = false; })));
    "its rules are Prometheus'" = whole.watchstander.alerts.files ? logs;
    "a changed file is taken up" = lib.length whole.systemd.services.alloy.reloadTriggers == 1;
    "a burst below the rate is told" = tells "Raise burst" (of { perUnit = { rate = 100; burst = 10; }; });
  };
  refused = {
    "promtail, which is gone" = (evaluate [{ services.promtail.enable = true; }]).services.loki.enable;
    "no retention" = (of { retentionDays = 0; }).watchstander.logs.retentionDays;
    "a retention with a unit" = (of { retentionDays = "31d"; }).watchstander.logs.retentionDays;
    "a day that is none" = (of { since = "yesterday"; }).watchstander.logs.since;
    "a port that is none" = (of { port = 70000; }).watchstander.logs.port;
    "a misspelt option" = (of { retention = 31; }).services.loki.enable;
  };
}
