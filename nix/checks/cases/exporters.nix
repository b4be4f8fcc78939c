# watchstander.exporters.
{ lib, evaluate, broken, tells, ... }:
let
  base = { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; };
  all = lib.genAttrs [ "node" "postgres" "systemd" "zfs" "smartctl" ] (_: { enable = true; });
  of = exporters: evaluate [ base { watchstander = { inherit exporters; }; } ];
  whole = of all;
  exporters = whole.services.prometheus.exporters;
  minor = evaluate [ base { watchstander = { exporters.systemd.enable = true; alerts.minorUnits = lib.mkForce [ "logrotate.service" "report-*.service" "a.service" ]; }; } ];
  rules = c: lib.concatMapStrings (f: f.text) c.services.prometheus.ruleFiles;
  vulcan = evaluate [ ../../hosts/vulcan ];
  files = c: lib.attrNames c.watchstander.alerts.files;
in
{
  holds = {
    "nothing, unless it is enabled" = !(lib.any (e: e.enable) (lib.attrValues (evaluate [ ]).services.prometheus.exporters));
    "each listens to this host alone" = lib.all (n: exporters.${n}.enable && exporters.${n}.listenAddress == "127.0.0.1" && !exporters.${n}.openFirewall) (lib.attrNames all);
    "the plan's port" = exporters.node.port == 9100;
    "one alone" = (of { node.enable = true; }).services.prometheus.exporters.systemd.enable == false;
    "the room in /home is seen" = whole.systemd.services.prometheus-node-exporter.serviceConfig.ProtectHome == "read-only";
    "units have one name for their figures" = !(lib.elem "systemd" exporters.node.enabledCollectors);
    "restarts are counted" = exporters.systemd.extraFlags == [ "--systemd.collector.enable-restart-count" ];
    "PostgreSQL is asked by its socket" = lib.hasInfix "host=/run/postgresql" exporters.postgres.dataSourceName && exporters.postgres.runAsLocalSuperUser;
    "each brings its alerts" = files whole == [ "node" "postgresql" "smartctl" "systemd" ];
    "or not" = files (of { node = { enable = true; alerts = false; }; }) == [ ];
    "a clean-up that did not run wakes nobody" = lib.hasInfix ''state="failed",name!~"logrotate[.]service|report-.*[.]service|'' (rules minor) && lib.hasInfix ''state="failed",name=~"logrotate[.]service|'' (rules minor);
    "and the list names units that there are" = lib.all (u: lib.hasAttr (lib.removeSuffix ".service" u) vulcan.systemd.services)
      (lib.filter (lib.hasPrefix "watchstander-") vulcan.watchstander.alerts.minorUnits);
    "nothing is wrong" = broken whole == [ ];
    "what can be reached from outside is told" = tells "node can be reached from outside"
      (evaluate [ base { watchstander.exporters.node.enable = true; services.prometheus.exporters.node.listenAddress = lib.mkForce "0.0.0.0"; } ]);
    "an opened firewall too" = tells "systemd can be reached from outside"
      (evaluate [ base { watchstander.exporters.systemd.enable = true; services.prometheus.exporters.systemd.openFirewall = true; } ]);
    "and what is enabled beside, with NixOS' default" = tells "zfs can be reached from outside"
      (evaluate [ base { watchstander.exporters.node.enable = true; services.prometheus.exporters.zfs.enable = true; } ]);
    "a password in the store is told" = tells "holds a password" (of { postgres = { enable = true; dataSourceName = "postgresql://exporter:hunter2@localhost/postgres"; }; })
      && tells "holds a password" (of { postgres = { enable = true; dataSourceName = "user=exporter password=hunter2"; }; });
  };
  refused = {
    "a port that is none" = (of { node = { enable = true; port = 91000; }; }).services.prometheus.exporters.node.port;
    "an exporter that does not exist" = (of { nodes.enable = true; }).services.prometheus.exporters.node.enable;
    "a unit that is none" = (evaluate [ base { watchstander.alerts.minorUnits = [ "logrotate" ]; } ]).watchstander.alerts.minorUnits;
    "a disk that is none" = (of { smartctl = { enable = true; devices = [ "sda" ]; }; }).services.prometheus.exporters.smartctl.devices;
  };
}
