# watchstander.alerts: the alert rules that the other modules bring, as Prometheus' rule
# files. A module names its file here; where its runbooks can be read is said once.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.watchstander.alerts;
in
{
  options.watchstander.alerts = {
    files = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ shop = ./shop.yaml; }";
      description = ''
        Files of alert rules, by name. Where one says `@runbooks@`, `runbooks` is put in its place.
        The modules add theirs; rules of your own may be added.
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
  };

  config.services.prometheus.ruleFiles = lib.mapAttrsToList
    (name: file: pkgs.writeText "${name}.rules.yaml" (lib.replaceStrings [ "@runbooks@" ] [ cfg.runbooks ] (builtins.readFile file)))
    cfg.files;
}
