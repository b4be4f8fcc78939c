# watchstander.alerts: the alert rules that the other modules bring, as Prometheus' rule
# files. A module names its file here; where its runbooks can be read is said once.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.watchstander.alerts;
  placed = {
    "@runbooks@" = cfg.runbooks;
    # In a regular expression that stands in quotes, where a backslash would be an escape.
    "@minor-units@" = lib.concatMapStringsSep "|" (lib.replaceStrings [ "." "*" ] [ "[.]" ".*" ]) cfg.minorUnits;
  };
in
{
  options.watchstander.alerts = {
    files = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ shop = ./shop.yaml; }";
      description = ''
        Files of alert rules, by name. Where one says `@runbooks@` or `@minor-units@`, `runbooks` or
        a regular expression for `minorUnits` is put in its place. The modules add theirs; rules of
        your own may be added.
      '';
    };
    runbooks = mkOption {
      type = types.strMatching "https?://.+[^/]";
      example = "https://git.example.org/ops/runbooks";
      description = ''
        The address under which people read the runbooks (this project's docs/runbooks): each rule
        links to its own there. It needs not to be on this host: what is down cannot be read.
      '';
    };
    minorUnits = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9:_.@*-]+\\.[a-z]+");
      example = [ "thumbnails.service" "report-*.service" ];
      description = ''
        Units whose failure can wait until somebody works again: a warning (`MinorUnitFailed`), where
        that of any other unit is critical. `*` stands for whatever is there. The usual upkeep of a
        host is in the list, and what of this project only measures or proposes: that its figures
        grow old has alerts of its own. Yours are added; `lib.mkForce` takes away.
      '';
    };
  };

  config.watchstander.alerts.minorUnits = [
    "docker-prune.service"
    "fstrim.service"
    "fwupd-refresh.service"
    "logrotate.service"
    "man-db.service"
    "nix-gc.service"
    "nix-optimise.service"
    "nixos-config-build.service"
    "podman-prune.service"
    "systemd-tmpfiles-clean.service"
    "update-locatedb.service"
    "watchstander-compliance.service"
    "watchstander-dependencies.service"
    "watchstander-generations.service"
    "watchstander-updates.service"
    "watchstander-vulnix.service"
    "watchstander-zfs-compression.service"
  ];

  config.services.prometheus.ruleFiles = lib.mapAttrsToList
    (name: file: pkgs.writeText "${name}.rules.yaml" (lib.replaceStrings (lib.attrNames placed) (lib.attrValues placed) (builtins.readFile file)))
    cfg.files;
}
