# The profile that watches a host.
{ lib, evaluate, broken, tells, ... }:
let
  of = more: evaluate [ ../../profiles/monitoring.nix { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; } more ];
  told = of { watchstander.alertmanager = { deadMan.urlFile = "/run/secrets/d"; secondReceiver.webhook.urlFile = "/run/secrets/s"; bot.tokenFile = "/run/secrets/hook"; }; };
in
{
  holds = {
    "it says what only the host can say" = tells "secondReceiver" (of { }) && tells "deadMan" (of { }) && tells "bot.tokenFile" (of { });
    "and else nothing" = broken told == [ ];
    "it watches" = told.services.prometheus.enable && told.services.prometheus.exporters.node.enable && told.services.prometheus.alertmanager.enable;
    "what not every host has is off" = !told.services.prometheus.exporters.zfs.enable && !told.services.prometheus.exporters.postgres.enable;
    "each can be switched off" = !(of { watchstander.blackbox.enable = false; }).services.prometheus.exporters.blackbox.enable;
  };
}
