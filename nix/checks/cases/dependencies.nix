# watchstander.dependencies. What its script does is tried in ../dependencies_test.go.
{ lib, evaluate, broken, tells, ... }:
let
  of = more: evaluate [{ watchstander.dependencies = { enable = true; units = [ "postgresql.service" "restic-*.service" ]; } // more; }];
  unit = (of { }).systemd.services.watchstander-dependencies;
  location = (of { virtualHost = "grafana.example.org"; }).services.nginx.virtualHosts."grafana.example.org".locations;
in
{
  holds = {
    "nothing, unless it is enabled" = (evaluate [ ]).systemd.services == { } && (evaluate [ ]).users.users == { };
    "the units are enough" = broken (of { }) == [ ];
    "they reach the script" = unit.environment.UNITS == "postgresql.service restic-*.service" && lib.hasSuffix "/bin/watchstander-dependencies" unit.serviceConfig.ExecStart;
    "it is nobody, and has no network" = unit.serviceConfig.User == "watchstander-dependencies" && unit.serviceConfig.PrivateNetwork && unit.serviceConfig.CapabilityBoundingSet == "";
    "it runs each day, and after a boot" = (of { }).systemd.timers.watchstander-dependencies.timerConfig == { OnBootSec = "10min"; OnCalendar = "daily"; RandomizedDelaySec = "30min"; Persistent = true; };
    "nothing is shown, unless it is said where" = (of { }).services.nginx.virtualHosts == { };
    "nginx shows them" = location."/dependencies/".alias == "/var/lib/watchstander-dependencies/";
    "nginx asks whether one may" = lib.hasPrefix "auth_request /grafana-user;\n" (of { virtualHost = "g"; authRequest = "/grafana-user"; }).services.nginx.virtualHosts.g.locations."/dependencies/".extraConfig;
    "no unit is told" = tells "units is empty" (of { units = [ ]; });
  };
  refused = {
    "words that are no unit" = (of { units = [ "a b" ]; }).watchstander.dependencies.units;
    "what a shell would take up" = (of { units = [ "$(reboot)" ]; }).watchstander.dependencies.units;
    "a misspelt option" = (of { unit = [ ]; }).systemd.services;
  };
}
