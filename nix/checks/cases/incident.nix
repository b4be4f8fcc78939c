# watchstander.incident.
{ lib, evaluate, broken, ... }:
let
  of = incident: evaluate [{ watchstander = { inherit incident; }; }];
  on = of { enable = true; onFailureOf = [ "postgresql" ]; };
  unit = on.systemd.services."watchstander-evidence@";
in
{
  holds = {
    "nothing, unless it is enabled" = (of { onFailureOf = [ "postgresql" ]; }).systemd.services == { };
    "no assertion fails" = broken on == [ ];
    "a failure has it collected" = on.systemd.services.postgresql.onFailure == [ "watchstander-evidence@%N.service" ];
    "a flapping unit does not fill the disk" = unit.unitConfig.StartLimitBurst == 2 && lib.hasInfix " 10 %i" unit.serviceConfig.ExecStart;
    "it is root's alone, and goes nowhere" = unit.serviceConfig.StateDirectoryMode == "0700" && unit.serviceConfig.IPAddressDeny == "any";
  };
  refused = {
    "a unit with its kind" = (of { enable = true; onFailureOf = [ "postgresql.service" ]; }).systemd.services;
    "none kept" = (of { enable = true; keep = 0; }).watchstander.incident.keep;
  };
}
