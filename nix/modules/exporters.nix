# watchstander.exporters: what measures this host for Prometheus. Each listens on 127.0.0.1
# alone; NixOS' default is every address.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkMerge mkOption mkEnableOption types;
  cfg = config.watchstander.exporters;
  exporters = config.services.prometheus.exporters;

  exporter = what: port: more: {
    enable = mkEnableOption "${what}, on 127.0.0.1";
    port = mkOption { type = types.port; default = port; description = "The port, on 127.0.0.1 alone."; };
    alerts = mkOption { type = types.bool; default = true; description = "Whether there are alerts on what it measures."; };
  } // more;
  here = [ "127.0.0.1" "::1" "[::1]" "localhost" ];
  exposed = lib.filter
    (name: let e = exporters.${name}; in e.enable or false && (e.openFirewall || !lib.elem e.listenAddress here))
    [ "node" "postgres" "systemd" "zfs" "smartctl" "blackbox" ];
  any = lib.any (name: cfg.${name}.enable) [ "node" "postgres" "systemd" "zfs" "smartctl" ];
in
{
  imports = [ ./alerts.nix ];

  options.watchstander.exporters = {
    node = exporter "node_exporter, for the machine" 9100 {
      collectors = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ "processes" ];
        description = ''
          Collectors beside node_exporter's usual ones. Not `systemd`: units are systemd_exporter's,
          so that each figure has one name.
        '';
      };
    };
    postgres = exporter "postgres_exporter, for PostgreSQL" 9187 {
      runAsLocalSuperUser = mkOption {
        type = types.bool;
        default = true;
        description = ''
          Whether it is PostgreSQL's own user, which needs no setting up. With false it is the role
          of `dataSourceName`, which must be there and have `pg_monitor`.
        '';
      };
      dataSourceName = mkOption {
        type = types.nonEmptyStr;
        default = "user=postgres database=postgres host=/run/postgresql sslmode=disable";
        description = "Where PostgreSQL is. It goes into the store: no password here.";
      };
    };
    systemd = exporter "systemd_exporter, for units" 9558 { };
    # Its alerts are those of the storage, and of the forecasts.
    zfs = exporter "zfs_exporter, for pools and datasets" 9134 {
      pools = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "rpool" "tank" ]; description = "The pools; empty means all."; };
    };
    smartctl = exporter "smartctl_exporter, for what disks say of themselves" 9633 {
      devices = mkOption { type = types.listOf (types.strMatching "/dev/.+"); default = [ ]; example = [ "/dev/nvme0" ]; description = "The disks; empty means all that it finds."; };
      maxInterval = mkOption { type = types.strMatching "[0-9]+(s|m|h)"; default = "5m"; description = "A disk is asked this often at most: asking can keep one from sleeping."; };
    };
  };

  config = mkMerge [
    {
      assertions = [
        {
          assertion = !any || exposed == [ ];
          message = "services.prometheus.exporters: ${lib.concatStringsSep ", " exposed} can be reached from outside. Leave listenAddress at 127.0.0.1 and openFirewall off; for another Prometheus, put a proxy with TLS before it.";
        }
        {
          assertion = cfg.postgres.enable -> builtins.match ".*(password=|://[^@/]*:[^@/]+@).*" cfg.postgres.dataSourceName == null;
          message = "watchstander.exporters.postgres.dataSourceName holds a password, and would lie in the store. Use the socket, or services.prometheus.exporters.postgres.environmentFile.";
        }
      ];
    }
    (mkIf cfg.node.enable {
      watchstander.alerts.files = mkIf cfg.node.alerts { node = ../alerts/node.yaml; };
      services.prometheus.exporters.node = {
        enable = true;
        listenAddress = "127.0.0.1";
        inherit (cfg.node) port;
        enabledCollectors = cfg.node.collectors;
      };
      # NixOS hides /home, and then the room there is told as that of /run: never full.
      systemd.services.prometheus-node-exporter.serviceConfig.ProtectHome = lib.mkForce "read-only";
    })
    (mkIf cfg.postgres.enable {
      watchstander.alerts.files = mkIf cfg.postgres.alerts { postgresql = ../alerts/postgresql.yaml; };
      services.prometheus.exporters.postgres = {
        enable = true;
        listenAddress = "127.0.0.1";
        inherit (cfg.postgres) port runAsLocalSuperUser dataSourceName;
        extraFlags = [ "--collector.long_running_transactions" ];
      };
    })
    (mkIf cfg.systemd.enable {
      watchstander.alerts.files = mkIf cfg.systemd.alerts { systemd = ../alerts/systemd.yaml; };
      services.prometheus.exporters.systemd = {
        enable = true;
        listenAddress = "127.0.0.1";
        inherit (cfg.systemd) port;
        extraFlags = [ "--systemd.collector.enable-restart-count" ];
      };
    })
    (mkIf cfg.zfs.enable {
      services.prometheus.exporters.zfs = { enable = true; listenAddress = "127.0.0.1"; inherit (cfg.zfs) port pools; };
    })
    (mkIf cfg.smartctl.enable {
      watchstander.alerts.files = mkIf cfg.smartctl.alerts { smartctl = ../alerts/smartctl.yaml; };
      environment.systemPackages = [ pkgs.smartmontools ];
      services.prometheus.exporters.smartctl = { enable = true; listenAddress = "127.0.0.1"; inherit (cfg.smartctl) port devices maxInterval; };
    })
  ];
}
