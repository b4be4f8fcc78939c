# watchstander.prometheus.
{ lib, evaluate, broken, tells, ... }:
let
  runbooks = { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; networking.hostName = "house"; };
  of = prometheus: evaluate [ runbooks { watchstander.prometheus = { enable = true; alertmanagers = [ "127.0.0.1:9093" ]; } // prometheus; } ];
  alone = of { };
  jobs = config: map (s: s.job_name) config.services.prometheus.scrapeConfigs;
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.prometheus.enable && (evaluate [ ]).services.prometheus.scrapeConfigs == [ ];
    "it listens to this host alone, on the plan's port" = alone.services.prometheus.listenAddress == "127.0.0.1" && alone.services.prometheus.port == 9090;
    "samples are kept for a time" = alone.services.prometheus.retentionTime == "90d" && (of { retentionTime = "1y"; }).services.prometheus.retentionTime == "1y";
    "and within a size" = alone.services.prometheus.extraFlags == [ "--storage.tsdb.retention.size=20GB" ] && (of { retentionSize = null; }).services.prometheus.extraFlags == [ ];
    "a file with faults fails the build" = alone.services.prometheus.checkConfig == true;
    "it watches itself, and no more than there is" = jobs alone == [ "prometheus" ];
    "every target says which host it is" = lib.all (s: (lib.head s.static_configs).labels.instance == "house") (of { jobs.x.address = "127.0.0.1:1"; }).services.prometheus.scrapeConfigs;
    "or of which other" = lib.any (s: (lib.head s.static_configs).labels.instance == "titan") (of { jobs.x = { address = "titan:9100"; instance = "titan"; }; }).services.prometheus.scrapeConfigs;
    "what is enabled is scraped" = lib.all (j: lib.elem j (jobs vulcan)) [ "prometheus" "alertmanager" "watchstander" "node" "postgres" "systemd" "zfs" "smartctl" "blackbox" "probe-web" "grafana" "loki" "alloy" ];
    "the bot is where its settings say" = lib.any (s: s.job_name == "watchstander" && (lib.head s.static_configs).targets == [ "127.0.0.1:9099" ])
      (evaluate [ runbooks { watchstander.prometheus = { enable = true; alertmanagers = [ "a:1" ]; }; services.watchstander = { enable = true; settings = { listen = "127.0.0.1:9099"; chats = [{ name = "x"; }]; }; }; } ]).services.prometheus.scrapeConfigs;
    "alerts go to Alertmanager" = (lib.head (lib.head vulcan.services.prometheus.alertmanagers).static_configs).targets == [ "127.0.0.1:9093" ];
    "the Watchdog is there" = lib.any (f: lib.hasInfix "alert: Watchdog" f.text) alone.services.prometheus.ruleFiles;
    "every rule links to its runbook" = lib.all (f: !lib.hasInfix "@runbooks@" f.text) vulcan.services.prometheus.ruleFiles;
    "alerts that reach nobody are told" = tells "alertmanagers is empty" (of { alertmanagers = [ ]; });
    "a job twice is told" = tells "names prometheus, which is found by itself" (of { jobs.prometheus.address = "127.0.0.1:1"; });
    "else nothing is" = broken alone == [ ];
  };
  refused = {
    "scrapes so seldom that rules find none" = (of { scrapeInterval = "5m"; }).services.prometheus.globalConfig;
    "its former name" = (of { retention = "1y"; }).services.prometheus.retentionTime;
    "a time that is none" = (of { retentionTime = "one year"; }).services.prometheus.retentionTime;
    "a size that is none" = (of { retentionSize = "20"; }).services.prometheus.extraFlags;
    "another address" = (of { listenAddress = "0.0.0.0"; }).services.prometheus.listenAddress;
    "two addresses" = (evaluate [ runbooks { watchstander.prometheus = { enable = true; alertmanagers = [ "a:1" ]; }; services.prometheus.listenAddress = "0.0.0.0"; } ]).services.prometheus.listenAddress;
  };
}
