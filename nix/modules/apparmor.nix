# watchstander.apparmor: profiles for the host's services. Each complains at first, which stops
# nothing and writes down what it would have; each is enforced by a switch of its own.
#
# systemd puts a unit into its profile by name, so that neither wrappers nor new store paths
# matter. A profile that is not loaded stops no unit from starting.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.apparmor;
  inherit (config) services;

  # The services that have a profile here: whether they run on this host, and as which unit.
  known = {
    nginx = { runs = services.nginx.enable or false; unit = "nginx"; };
    postgresql = { runs = services.postgresql.enable or false; unit = "postgresql"; };
    prometheus = { runs = services.prometheus.enable or false; unit = "prometheus"; };
    node-exporter = { runs = services.prometheus.exporters.node.enable or false; unit = "prometheus-node-exporter"; };
    grafana = { runs = services.grafana.enable or false; unit = "grafana"; };
    alertmanager = { runs = services.prometheus.alertmanager.enable or false; unit = "alertmanager"; };
    postgres-exporter = { runs = services.prometheus.exporters.postgres.enable or false; unit = "prometheus-postgres-exporter"; };
    loki = { runs = services.loki.enable or false; unit = "loki"; };
    step-ca = { runs = services.step-ca.enable or false; unit = "step-ca"; };
    watchstander = { runs = services.watchstander.enable or false; unit = "watchstander"; };
  };
  loaded = lib.filterAttrs (n: p: p.state != "disable" && known.${n}.runs) cfg.profiles;
  text = name: p: lib.replaceStrings [ "  @rules@\n" ] [ (lib.concatMapStrings (r: "  ${r},\n") p.rules) ] (builtins.readFile (../apparmor + "/${name}"));
in
{
  options.watchstander.apparmor = {
    enable = mkEnableOption "AppArmor, with profiles for services. The first time it needs a reboot";
    profiles = lib.mapAttrs
      (name: _: {
        state = mkOption {
          type = types.enum [ "disable" "complain" "enforce" ];
          default = "complain";
          description = "Whether ${name}'s profile is off, only writes down what it would stop, or stops it. Enforce after 30 days without a line that is not understood.";
        };
        rules = mkOption {
          type = types.listOf (types.strMatching "[^\n]*[^\n, ]");
          default = [ ];
          example = [ "/run/secrets.d/*/grafana/** r" ];
          description = "Further rules of ${name}'s profile, for what this host has elsewhere, without the comma at their end.";
        };
      })
      known;
  };

  config = mkIf cfg.enable {
    assertions = lib.mapAttrsToList
      (name: p: {
        assertion = p.state == "enforce" -> known.${name}.runs;
        message = "watchstander.apparmor.profiles.${name}.state is \"enforce\", and the service does not run on this host itself (what is in a container is not confined by it): leave it out.";
      })
      cfg.profiles
    ++ [{
      assertion = !(config.security.apparmor.killUnconfinedConfinables or false);
      message = "security.apparmor.killUnconfinedConfinables must be false: a switch would kill services.";
    }];
    security.apparmor = {
      enable = true;
      killUnconfinedConfinables = lib.mkDefault false;
      includes."abstractions/watchstander" = builtins.readFile ../apparmor/abstractions/watchstander;
      policies = lib.mapAttrs' (n: p: lib.nameValuePair "watchstander-${n}" { inherit (p) state; profile = text n p; }) loaded;
    };
    systemd.services = lib.mapAttrs' (n: _: lib.nameValuePair known.${n}.unit { serviceConfig.AppArmorProfile = "-watchstander-${n}"; }) loaded;
  };
}
