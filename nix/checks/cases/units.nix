# watchstander.units.
{ lib, evaluate, broken, tells, ... }:
let
  of = units: evaluate [{ watchstander = { inherit units; alerts.runbooks = "https://git.example.org/runbooks"; }; }];
  with' = more: of { web = { unit = "nginx"; } // more; };
  service = config: config.systemd.services.nginx;
  whole = with' {
    needs = [ "postgresql.service" ];
    wants = [ "redis.service" ];
    after = [ "network.target" ];
    memoryMax = "2G";
    memoryHigh = "1500M";
    cpuWeight = 50;
    cpuQuota = "200%";
    tasksMax = 512;
    restart.policy = "on-failure";
    stop = { timeout = 90; signal = "SIGQUIT"; };
    check.url = "http://127.0.0.1:8080/a%20b?c=$d";
  };
  repaired = with' { check = { url = "http://127.0.0.1/"; restart.enable = true; }; };
  health = whole.systemd.services.watchstander-health-web;
in
{
  holds = {
    "nothing, unless a unit is named" = (of { }).systemd.services == { } && (of { }).watchstander.alerts.files == { };
    "no assertion fails" = broken whole == [ ] && broken repaired == [ ];
    "what it needs is started before it" = (service whole).requires == [ "postgresql.service" ]
      && (service whole).after == [ "postgresql.service" "redis.service" "network.target" ] && (service whole).wants == [ "redis.service" ];
    "its limits" = { inherit ((service whole).serviceConfig) MemoryMax MemoryHigh CPUWeight CPUQuota TasksMax; }
      == { MemoryMax = "2G"; MemoryHigh = "1500M"; CPUWeight = 50; CPUQuota = "200%"; TasksMax = 512; };
    "its stop" = (service whole).serviceConfig.TimeoutStopSec == 90 && (service whole).serviceConfig.KillSignal == "SIGQUIT";
    "its restarts have an end" = (service whole).serviceConfig.Restart == "on-failure" && (service whole).unitConfig == { StartLimitBurst = 5; StartLimitIntervalSec = 900; };
    "what its own module says of restarts gives way" =
      (service (evaluate [ { watchstander.units.nginx.restart.policy = "on-failure"; } { systemd.services.nginx.serviceConfig.Restart = "always"; } ])).serviceConfig.Restart == "on-failure";
    "what is left out stays" = (service (with' { })).serviceConfig == { } && (service (with' { })).unitConfig == { };
    "a unit has its name by itself" = (of { nginx.memoryMax = "1G"; }).systemd.services.nginx.serviceConfig.MemoryMax == "1G";
    "a check only measures" = lib.hasInfix ''"nginx.service" "3" "0" "21600" "10" "60"'' health.serviceConfig.ExecStart;
    "unless it is told to restart" = lib.hasInfix ''"nginx.service" "3" "2" "21600"'' repaired.systemd.services.watchstander-health-web.serviceConfig.ExecStart;
    "its words are quoted for systemd" = lib.hasSuffix ''"http://127.0.0.1:8080/a%%20b?c=$$d"'' health.serviceConfig.ExecStart;
    "and the address that it names" = let allow = url: (with' { check = { inherit url; }; }).systemd.services.watchstander-health-web.serviceConfig.IPAddressAllow; in
      allow "https://10.100.0.1:8443/health" == [ "localhost" "10.100.0.1" ] && allow "http://[fd00::1]/" == [ "localhost" "fd00::1" ]
      && allow "http://[::1]:80/" == [ "localhost" ] && allow "http://web.example.org/" == [ "localhost" ];
    "a check reaches this host alone" = health.serviceConfig.IPAddressDeny == "any" && health.serviceConfig.IPAddressAllow == [ "localhost" ];
    "a command" = lib.hasSuffix ''"--" "/bin/pg_isready" "--quiet"'' (with' { check.command = [ "/bin/pg_isready" "--quiet" ]; }).systemd.services.watchstander-health-web.serviceConfig.ExecStart;
    "its timer" = whole.systemd.timers.watchstander-health-web.timerConfig.OnUnitInactiveSec == 60;
    "its alerts and its directory" = whole.watchstander.alerts.files ? units && whole.systemd.tmpfiles.rules == [ "d /var/lib/node-exporter-textfile 0755 root root -" ];
    "the figures of another check go" = lib.hasSuffix ''"-name" "health-*.prom" "!" "-name" "health-web.prom" "-delete"'' whole.systemd.services.watchstander-health-forget.serviceConfig.ExecStart
      && !((with' { }).systemd.services ? watchstander-health-forget);
    "no alerts without a check" = (with' { }).watchstander.alerts.files == { };

    "a circle is told" = tells "wait for each other" (of { a.after = [ "b.service" ]; b.needs = [ "c.service" ]; c.wants = [ "a.service" ]; });
    "and who is in it, no others" = tells "at random: a, b." (of { a.after = [ "b.service" ]; b.after = [ "a.service" ]; d.after = [ "a.service" ]; });
    "a limit that is never reached is told" = tells "the limit is never reached" (with' { restart = { policy = "always"; interval = 300; }; });
    "a unit that never gives up is told" = tells "without a limit"
      (evaluate [{ watchstander.units.nginx.memoryMax = "1G"; systemd.services.nginx = { serviceConfig.Restart = "always"; unitConfig.StartLimitIntervalSec = 0; }; }]);
    "unless there is a reason" = broken (with' { restart = { policy = "always"; forever = "it waits for the network"; interval = 10; }; }) == [ ]
      && (service (with' { restart = { policy = "always"; forever = "it waits for the network"; }; })).unitConfig == { StartLimitIntervalSec = 0; };
    "a check of nothing is told" = tells "exactly one of url and command" (with' { check = { }; });
    "a check of both, too" = tells "exactly one of url and command" (with' { check = { url = "http://127.0.0.1/"; command = [ "/bin/true" ]; }; });
    "a program without its path is told" = tells "absolute path" (with' { check.command = [ "true" ]; });
    "restarts without an end are told" =
      tells "so that they have no end" (with' { check = { url = "http://127.0.0.1/"; restart = { enable = true; count = 10; within = 1000; }; }; });
    "two that restart one unit are told" = tells "a standing approval of the agent restarts nginx.service" (evaluate [{
      watchstander.units.web = { unit = "nginx"; check = { url = "http://127.0.0.1/"; restart.enable = true; }; };
      services.watchstander.agent.settings.standing = [{ name = "x"; arguments.unit = [ "nginx.service" ]; }];
    }]);
  };
  refused = {
    "a restart policy that systemd has not" = (service (with' { restart.policy = "sometimes"; })).serviceConfig;
    "more restarts than ten" = (with' { check = { url = "http://127.0.0.1/"; restart.count = 50; }; }).watchstander.units.web.check.restart.count;
    "one failure alone" = (with' { check = { url = "http://127.0.0.1/"; failures = 1; }; }).watchstander.units.web.check.failures;
    "a size that is none" = (service (with' { memoryMax = "plenty"; })).serviceConfig;
    "a dependency without its kind" = (service (with' { needs = [ "postgresql" ]; })).requires;
    "a command for a shell" = (with' { check.command = "pg_isready"; }).watchstander.units.web.check.command;
    "a misspelt option" = (with' { memoryMaximum = "1G"; }).systemd.services;
  };
}
