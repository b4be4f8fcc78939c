# watchstander.prometheus: Prometheus on this host, for this host. It scrapes what is enabled
# here, itself among it, and listens to nobody outside.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.prometheus;
  services = config.services;
  exporters = services.prometheus.exporters;

  local = port: "127.0.0.1:${toString port}";
  exporter = name: lib.optionalAttrs exporters.${name}.enable { ${name}.address = local exporters.${name}.port; };
  # What is enabled on this host. Each has its own job, and all have the host as instance, so
  # that an alert names the host and not a port.
  found = { prometheus.address = local cfg.port; }
    // lib.concatMapAttrs (name: _: exporter name) (lib.genAttrs [ "node" "postgres" "systemd" "zfs" "smartctl" "blackbox" ] (n: n))
    // lib.optionalAttrs services.prometheus.alertmanager.enable { alertmanager.address = local services.prometheus.alertmanager.port; }
    // lib.optionalAttrs (services.watchstander.enable or false) { watchstander.address = services.watchstander.settings.listen or "127.0.0.1:9097"; }
    // lib.optionalAttrs (services.grafana.enable or false) { grafana.address = local (services.grafana.settings.server.http_port or 3000); }
    // lib.optionalAttrs (services.loki.enable or false) { loki.address = local (services.loki.configuration.server.http_listen_port or 3100); }
    // lib.optionalAttrs (services.alloy.enable or false) { alloy.address = "127.0.0.1:12345"; };

  duration = types.strMatching "([0-9]+(ms|s|m|h|d|w|y))+";
in
{
  imports = [ ./alerts.nix ];

  options.watchstander.prometheus = {
    enable = mkEnableOption "Prometheus, with what is enabled on this host as its targets";
    port = mkOption { type = types.port; default = 9090; description = "The port, on 127.0.0.1 alone."; };
    retentionTime = mkOption {
      type = duration;
      default = "90d";
      example = "1y";
      description = "How long samples are kept. The forecasts and the 30 days of the service levels need 35 days at least.";
    };
    retentionSize = mkOption {
      type = types.nullOr (types.strMatching "[0-9]+(MB|GB|TB)");
      default = "20GB";
      description = "How much room samples may take; the oldest go first. Null bounds them by time alone.";
    };
    scrapeInterval = mkOption {
      type = types.strMatching "([1-9]|[1-5][0-9]|60)s|1m";
      default = "30s";
      description = "How often targets are scraped and rules evaluated: once a minute at least, since rules and dashboards need several scrapes in a few minutes.";
    };
    instance = mkOption {
      type = types.nonEmptyStr;
      default = config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      description = "The label `instance` of all that is scraped here: what the bot knows this host by.";
    };
    jobs = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          address = mkOption { type = types.nonEmptyStr; example = "127.0.0.1:9180"; description = "Host and port."; };
          path = mkOption { type = types.strMatching "/.*"; default = "/metrics"; description = "Where the figures are."; };
          instance = mkOption { type = types.nullOr types.nonEmptyStr; default = null; description = "Another host's name, where it is not this one."; };
        };
      });
      default = { };
      example = { step-ca.address = "127.0.0.1:9180"; };
      description = "Further targets, by the name of their job, beside those that are found on this host.";
    };
    alertmanagers = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = lib.optional services.prometheus.alertmanager.enable (local services.prometheus.alertmanager.port);
      defaultText = lib.literalExpression "the one of this host, if there is one";
      example = [ "127.0.0.1:9093" ];
      description = "Alertmanagers, as host and port.";
    };
    alerts = mkOption {
      type = types.bool;
      default = true;
      description = "Whether there are alerts about Prometheus, Alertmanager and the bot themselves: the Watchdog among them.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.alertmanagers != [ ];
        message = "watchstander.prometheus.alertmanagers is empty: no alert would reach anybody. Enable watchstander.alertmanager, or name one that is elsewhere.";
      }
      {
        assertion = lib.intersectLists (lib.attrNames cfg.jobs) (lib.attrNames found) == [ ];
        message = "watchstander.prometheus.jobs names ${lib.concatStringsSep ", " (lib.intersectLists (lib.attrNames cfg.jobs) (lib.attrNames found))}, which is found by itself: give it another name.";
      }
    ];

    watchstander.alerts.files = mkIf cfg.alerts { meta = ../alerts/meta.yaml; };
    environment.systemPackages = [ pkgs.prometheus.cli ]; # promtool

    services.prometheus = {
      enable = true;
      listenAddress = "127.0.0.1";
      inherit (cfg) port retentionTime;
      # A rule or a target that Prometheus cannot read fails the build, not the switch.
      checkConfig = true;
      enableReload = true;
      extraFlags = lib.optional (cfg.retentionSize != null) "--storage.tsdb.retention.size=${cfg.retentionSize}";
      globalConfig = { scrape_interval = cfg.scrapeInterval; evaluation_interval = cfg.scrapeInterval; };
      scrapeConfigs = lib.mapAttrsToList
        (name: job: {
          job_name = name;
          metrics_path = job.path or "/metrics";
          static_configs = [{
            targets = [ job.address ];
            labels.instance = if job.instance or null != null then job.instance else cfg.instance;
          }];
        })
        (found // cfg.jobs);
      alertmanagers = mkIf (cfg.alertmanagers != [ ]) [{ static_configs = [{ targets = cfg.alertmanagers; }]; }];
    };
  };
}
