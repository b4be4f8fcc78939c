# watchstander.alerts.
{ lib, pkgs, evaluate, ... }:
let
  of = alerts: (evaluate [{ watchstander = { inherit alerts; }; }]).services.prometheus.ruleFiles;
  one = of { files.vulcan = ./alerts.sample; runbooks = "https://git.example.org/runbooks"; };
in
{
  holds = {
    "no rule of its own" = (of { runbooks = "https://git.example.org/runbooks"; }) == [ ];
    "the runbooks' place is put in" = map (f: f.text) one == [ "https://git.example.org/runbooks/disk-full.md\n" ];
  };
  refused = {
    "rules without a place for their runbooks" = map (f: f.text) (of { files.vulcan = ./alerts.sample; });
    "a place that is no address" = of { files.vulcan = ./alerts.sample; runbooks = "docs/runbooks"; };
  };
}
