# watchstander.slo: service levels. For each, rules record which part failed over each window
# (slo:error_ratio:rate5m …), what was promised (slo:objective:ratio), and what is left of the
# month's budget (slo:budget_left:ratio30d); ../alerts/slo.yaml tells when it burns too fast.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.slo;

  windows = [ "5m" "30m" "1h" "2h" "6h" "1d" "3d" ];
  rulesOf = name: level:
    let
      labels = { slo = name; instance = config.watchstander.prometheus.instance or config.networking.hostName; };
      over = window: lib.replaceStrings [ "@window@" ] [ window ] level.errors;
      record = record: expr: { inherit record expr labels; };
    in
    map (w: record "slo:error_ratio:rate${w}" (over w)) windows
    ++ [
      (record "slo:objective:ratio" "vector(${level.objective} / 100)")
      # Of the short windows that were recorded: thirty days of raw samples would be read at each round.
      (record "slo:error_ratio:rate30d" ''avg_over_time(slo:error_ratio:rate5m{slo="${name}"}[30d])'')
      (record "slo:budget_left:ratio30d" ''1 - slo:error_ratio:rate30d{slo="${name}"} / (1 - slo:objective:ratio{slo="${name}"})'')
    ];
  level = types.submodule ({ name, ... }: {
    options = {
      objective = mkOption {
        type = types.strMatching "[0-9]{1,2}([.][0-9]+)?";
        default = "99.5";
        example = "99.9";
        description = "What is promised, in percent of thirty days: 99.9 leaves 43 minutes. Never 100, which leaves no budget.";
      };
      errors = mkOption {
        type = types.strMatching ".*@window@.*";
        default = ''1 - avg(avg_over_time(probe_success{probe="${name}"}[@window@]))'';
        defaultText = lib.literalExpression "the probe of that name";
        example = ''1 - avg(avg_over_time(pg_up[@window@]))'';
        description = "The part that failed in a window, from 0 to 1, in PromQL without labels left; `@window@` stands for the window.";
      };
    };
  });
  lonely = lib.filter (n: lib.hasInfix ''probe="${n}"'' cfg.levels.${n}.errors && !((config.watchstander.blackbox or { }).probes or { } ? ${n})) (lib.attrNames cfg.levels);
in
{
  imports = [ ./alerts.nix ];

  options.watchstander.slo = {
    enable = mkEnableOption "service levels with burn-rate alerts over thirty days";
    levels = mkOption {
      type = types.attrsOf level;
      default = { };
      example = { web.objective = "99.9"; database = { objective = "99.9"; errors = "1 - avg(avg_over_time(pg_up[@window@]))"; }; };
      description = "What is promised, by name.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      { assertion = cfg.levels != { }; message = "watchstander.slo.levels is empty: name at least one, or leave watchstander.slo.enable off."; }
      {
        assertion = lonely == [ ];
        message = "watchstander.slo.levels: ${lib.concatStringsSep ", " lonely} looks at a probe that watchstander.blackbox.probes does not have. Add it there, or give `errors`.";
      }
    ];
    watchstander.alerts.files.slo = ../alerts/slo.yaml;
    services.prometheus.ruleFiles = [
      (pkgs.writeText "slo-levels.rules.yaml" (builtins.toJSON { groups = lib.mapAttrsToList (name: level: { name = "slo-${name}"; rules = rulesOf name level; }) cfg.levels; }))
    ];
  };
}
