# watchstander.healing.
{ lib, evaluate, broken, tells, ... }:
let
  nginx = { unit = "nginx.service"; alert = "NginxDown"; expires = "2099-01-01"; };
  of = more: evaluate [{ watchstander.healing.repairs.restart-nginx = nginx // more; services.watchstander.agent.enable = true; }];
  watched = alert: (evaluate [{
    watchstander = { healing.repairs.x = nginx // { inherit alert; }; exporters.systemd.enable = true; alerts.runbooks = "https://git.example.org/runbooks"; };
    services.watchstander.agent.enable = true;
    services.prometheus.rules = [ "groups: [{ name: own, rules: [{ alert: WikiDown, expr: 'up == 0' }] }]" ];
  }]).warnings;
  settings = (of { matchers = [ ''job="nginx"'' ]; }).services.watchstander.agent.settings;
in
{
  holds = {
    "nothing, unless there is a repair" = !((evaluate [ ]).services.watchstander.agent.settings ? standing);
    "no assertion fails" = broken (of { }) == [ ];
    "an approval in advance" = settings.standing == [{
      name = "restart-nginx";
      operation = "service.restart";
      arguments.unit = [ "nginx.service" ];
      when = [ ''alertname="NginxDown"'' ''job="nginx"'' ];
      budget = { count = 2; per = "6h"; };
      evidence = "unit nginx.service";
      expires = "2099-01-01";
    }];
    "the unit may be restarted" = settings.services.restart == [ "nginx.service" ];
    "the operation is on" = (of { }).services.watchstander.agent.operations."service.restart";
    "nobody to do it is told" = tells "nobody is there to carry them out" (evaluate [{ watchstander.healing.repairs.x = nginx; }]);
    "an alert that nobody raises is warned of" = lib.any (lib.hasInfix "repairs.x waits for the alert ProbeFailed") (watched "ProbeFailed");
    "one of the modules' or of the host's own is not" = watched "UnitFailed" == [ ] && watched "WikiDown" == [ ];
    "nor where the rules are another host's" = (of { }).warnings == [ ];
    "a database is told" = tells "is not restarted without somebody who looks" (of { unit = "postgresql.service"; });
    "the way in is told" = tells "is not restarted without somebody who looks" (of { unit = "sshd.service"; });
    "the agent itself is told" = tells "is not restarted without somebody who looks" (of { unit = "watchstander-agent.service"; });
    "a budget for a few minutes is told" = tells "shorter than an hour" (of { per = "10m"; });
    "sixty minutes are an hour" = broken (of { per = "60m"; }) == [ ] && broken (of { per = "1d"; }) == [ ];
    "a unit that its health check restarts, too, is told" = tells "a standing approval of the agent restarts nginx.service" (evaluate [{
      watchstander.healing.repairs.restart-nginx = nginx;
      watchstander.units.nginx.check = { url = "http://127.0.0.1/"; restart.enable = true; };
      watchstander.alerts.runbooks = "https://git.example.org/runbooks";
      services.watchstander.agent.enable = true;
    }]);
  };
  refused = {
    "for ever" = (evaluate [{ watchstander.healing.repairs.x = removeAttrs nginx [ "expires" ]; services.watchstander.agent.enable = true; }]).services.watchstander.agent.settings.standing;
    "without end" = (of { count = 100; }).services.watchstander.agent.settings.standing;
    "no budget" = (of { count = 0; }).services.watchstander.agent.settings.standing;
    "another operation" = (of { operation = "nixos.rollback"; }).services.watchstander.agent.settings.standing;
    "every unit" = (of { unit = "*"; }).services.watchstander.agent.settings.standing;
    "a matcher that is none" = (of { matchers = [ "nginx" ]; }).services.watchstander.agent.settings.standing;
  };
}
