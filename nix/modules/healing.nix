# watchstander.healing: repairs to which root agrees in advance, so that nobody is asked at
# night: a restart of one service for one alert, so often within a span, and then people. The
# agent looks for itself, and keeps the count over all alerts, episodes and restarts; what it
# cannot prove to have helped is not done again (docs/manual.md, Repairs by themselves).
#
# Health checks that restart (watchstander.units) are the same without an alert; a unit has the
# one or the other. Certificates renew themselves, and are no repair.
{ config, lib, ... }:
let
  inherit (lib) mkIf mkOption types;
  cfg = config.watchstander.healing;

  # What a restart can harm more than it helps, and what the repair itself leans on.
  never = [ "sshd" "dbus" "dbus-broker" "systemd-.*" "NetworkManager" "network-.*" "firewall" "nftables" "zfs-.*" "watchstander.*" "postgresql.*" "mysql.*" "restic-.*" "podman-postgres.*" "docker-registry" "step-ca" ];
  forbidden = unit: lib.any (p: builtins.match p (lib.removeSuffix ".service" unit) != null) never;

  matcher = ''[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)".*"'';
  hours = s: let m = builtins.match "([0-9]+)([mhd])" s; n = lib.toIntBase10 (lib.head m); in if lib.last m == "m" then n else if lib.last m == "h" then 60 * n else 1440 * n;

  repair = {
    options = {
      unit = mkOption {
        type = types.strMatching ".+\\.service";
        example = "nginx.service";
        description = "The one that is restarted.";
      };
      alert = mkOption {
        type = types.strMatching "[a-zA-Z_][a-zA-Z0-9_]*";
        example = "UnitFailed";
        description = ''
          The alert that must fire. The agent looks itself, too, and does nothing while `evidence` is
          fine: for a unit that runs and does not answer there is `watchstander.units.NAME.check.restart`.
        '';
      };
      matchers = mkOption {
        type = types.listOf (types.strMatching matcher);
        default = [ ];
        example = [ ''name="nginx.service"'' ];
        description = "What else its labels must fulfil.";
      };
      count = mkOption { type = types.ints.between 1 5; default = 2; description = "So many times …"; };
      per = mkOption {
        type = types.strMatching "[1-9][0-9]*[mhd]";
        default = "6h";
        description = "… within any span of this length, whatever the alert did meanwhile; at least an hour.";
      };
      expires = mkOption {
        type = types.strMatching "20[0-9]{2}-[01][0-9]-[0-3][0-9]";
        example = "2027-06-01";
        description = "The day from which nobody has agreed to it any more. There is no default: who agrees in advance says until when.";
      };
      evidence = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        description = "The reading that proves that it has helped; the unit's own, if nothing else is said.";
      };
    };
  };
  # The alerts of this host's own rules, as far as they are files that can be read here.
  files = lib.attrValues (config.watchstander.alerts.files or { });
  alerts = lib.concatMap
    (file: lib.concatLists (lib.filter builtins.isList
      (builtins.split "- alert: *([a-zA-Z_][a-zA-Z0-9_]*)" (builtins.readFile file))))
    files;
  others = lib.concatStrings (config.services.prometheus.rules or [ ]);
  unheard = lib.filterAttrs (_: r: !lib.elem r.alert alerts && !lib.hasInfix r.alert others) cfg.repairs;

  standing = name: r: {
    inherit name;
    operation = "service.restart";
    arguments.unit = [ r.unit ];
    when = [ ''alertname="${r.alert}"'' ] ++ r.matchers;
    budget = { inherit (r) count per; };
    evidence = if r.evidence != null then r.evidence else "unit ${r.unit}";
    inherit (r) expires;
  };
in
{
  imports = [ ./watchstander.nix ];

  options.watchstander.healing.repairs = mkOption {
    type = types.attrsOf (types.submodule repair);
    default = { };
    example = lib.literalExpression ''
      {
        restart-nginx = {
          unit = "nginx.service";
          alert = "UnitFailed";
          matchers = [ '''name="nginx.service"''' ];
          expires = "2027-06-01";
        };
      }
    '';
    description = "Repairs, by name: the name is what people are told let it through.";
  };

  config = mkIf (cfg.repairs != { }) {
    assertions = [{
      assertion = config.services.watchstander.agent.enable;
      message = "watchstander.healing.repairs: nobody is there to carry them out. Set services.watchstander.agent.enable.";
    }]
    ++ lib.concatLists (lib.mapAttrsToList
      (name: r: [
        {
          assertion = !forbidden r.unit;
          message = "watchstander.healing.repairs.${name}: ${r.unit} is not restarted without somebody who looks: it holds data, or the way to the host, or what a repair leans on.";
        }
        {
          assertion = hours r.per >= 60;
          message = "watchstander.healing.repairs.${name}.per is shorter than an hour: a service that needs that needs people.";
        }
      ])
      cfg.repairs);

    # No more than a warning: the rule may be another Prometheus'.
    warnings = lib.mapAttrsToList
      (name: r: "watchstander.healing.repairs.${name} waits for the alert ${r.alert}, and no rule of this host has that name (watchstander.alerts.files). Unless another Prometheus has one, nothing is ever repaired.")
      (lib.optionalAttrs (files != [ ]) unheard);

    services.watchstander.agent = {
      operations."service.restart" = true;
      settings = {
        services.restart = lib.unique (lib.mapAttrsToList (_: r: r.unit) cfg.repairs);
        standing = lib.mapAttrsToList standing cfg.repairs;
      };
    };
  };
}
