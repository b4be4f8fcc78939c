# watchstander.readings.
{ lib, evaluate, broken, tells, ... }:
let
  of = readings: evaluate [{
    watchstander = { inherit readings; alerts.runbooks = "https://git.example.org/runbooks"; };
    services.watchstander.agent.enable = true;
  }];
  on = of { enable = true; every = 10; };
  unit = on.systemd.services.watchstander-readings.serviceConfig;
in
{
  holds = {
    "nothing, unless it is enabled" = !((of { }).systemd.services ? watchstander-readings) && (of { }).services.prometheus.ruleFiles == [ ];
    "the agent is asked" = lib.hasSuffix "bin/watchstander readings --textfile /var/lib/node-exporter-textfile/watchstander.prom" unit.ExecStart;
    "it writes there and nowhere else" = unit.ProtectSystem == "strict" && unit.ReadWritePaths == [ "/var/lib/node-exporter-textfile" ];
    "as often as it is told" = on.systemd.timers.watchstander-readings.timerConfig.OnUnitInactiveSec == "10min";
    "its rules come with it" = lib.length on.services.prometheus.ruleFiles == 1;
    "it needs an agent" = tells "services.watchstander.agent.enable is not"
      (evaluate [{ watchstander = { readings.enable = true; alerts.runbooks = "https://git.example.org/runbooks"; }; }]);
    "and no bot" = broken on == [ ] && !(on.systemd.services ? watchstander);
  };
  refused."less often than the alert allows" = (of { every = 30; }).watchstander.readings.every;
}
