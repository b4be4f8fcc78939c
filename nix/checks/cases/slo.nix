# watchstander.slo.
{ lib, evaluate, broken, tells, ... }:
let
  of = levels: evaluate [{
    watchstander = {
      alerts.runbooks = "https://git.example.org/runbooks";
      blackbox = { enable = true; probes.web.target = "https://house.lan/"; };
      slo = { enable = true; inherit levels; };
    };
    networking.hostName = "house";
  }];
  good = of { web.objective = "99.9"; database = { errors = "1 - avg(avg_over_time(pg_up[@window@]))"; }; };
  fileOf = config: lib.findFirst (f: f.name == "slo-levels.rules.yaml") { } config.services.prometheus.ruleFiles;
  file = fileOf good;
  groups = (builtins.fromJSON file.text).groups;
  rules = lib.concatMap (g: g.rules) groups;
  rule = slo: record: lib.findFirst (r: r.record == record && r.labels.slo == slo) { } rules;
in
{
  holds = {
    "nothing, unless it is enabled" = (evaluate [ ]).services.prometheus.ruleFiles == [ ];
    "a group for each" = map (g: g.name) groups == [ "slo-database" "slo-web" ];
    "every window" = lib.length (lib.filter (r: lib.hasPrefix "slo:error_ratio:rate" r.record && r.labels.slo == "web") rules) == 8;
    "a probe is the default" = (rule "web" "slo:error_ratio:rate1h").expr == ''1 - avg(avg_over_time(probe_success{probe="web"}[1h]))'';
    "or an expression of its own" = (rule "database" "slo:error_ratio:rate3d").expr == "1 - avg(avg_over_time(pg_up[3d]))";
    "what was promised" = (rule "web" "slo:objective:ratio").expr == "vector(99.9 / 100)" && (rule "database" "slo:objective:ratio").expr == "vector(99.5 / 100)";
    "of which host" = lib.all (r: r.labels.instance == "house") rules;
    "the alerts on it" = good.watchstander.alerts.files ? slo;
    "nothing is wrong" = broken good == [ ];
    "no level is told" = tells "levels is empty" (of { });
    "a probe that is not there is told" = tells "mail looks at a probe" (of { mail.objective = "99"; });
  };
  refused = {
    "all of the time" = (fileOf (of { web.objective = "100"; })).text;
    "a number" = (fileOf (of { web.objective = 99.9; })).text;
    "an expression without its window" = (fileOf (of { web.errors = "1 - avg(probe_success)"; })).text;
  };
}
