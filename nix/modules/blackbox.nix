# watchstander.blackbox: endpoints of this host as their users see them, certificates too.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.blackbox;
  yaml = pkgs.formats.yaml { };
  # As all else that is scraped here has it.
  instance = config.watchstander.prometheus.instance or config.networking.hostName;

  # Each probe has a module of its own, since most differ in what they expect.
  tls = p: { min_version = "TLS12"; } // lib.optionalAttrs (p.caFile != null) { ca_file = p.caFile; }
    // lib.optionalAttrs (p.serverName != null) { server_name = p.serverName; };
  module = p: { prober = if p.kind == "tls" then "tcp" else p.kind; timeout = "10s"; } // {
    http.http = {
      preferred_ip_protocol = "ip4";
      valid_status_codes = p.statusCodes;
      fail_if_not_ssl = lib.hasPrefix "https:" p.target;
      tls_config = tls p;
    };
    tcp.tcp.preferred_ip_protocol = "ip4";
    tls.tcp = { preferred_ip_protocol = "ip4"; tls = true; tls_config = tls p; };
    dns.dns = { preferred_ip_protocol = "ip4"; query_name = p.query; query_type = "A"; valid_rcodes = [ "NOERROR" ]; };
  }.${p.kind};

  probe = types.submodule {
    options = {
      kind = mkOption {
        type = types.enum [ "http" "tls" "tcp" "dns" ];
        default = "http";
        description = "What is tried: a request, a handshake of TLS, a connection, or a question to a name server.";
      };
      target = mkOption { type = types.nonEmptyStr; example = "https://vulcan.lan/"; description = "An address of the web for `http`, else host and port."; };
      statusCodes = mkOption { type = types.listOf types.int; default = [ ]; example = [ 200 401 ]; description = "Which answers are well; empty means all 2xx."; };
      query = mkOption { type = types.nullOr types.nonEmptyStr; default = null; example = "vulcan.lan"; description = "The name that is asked for, for `dns`."; };
      caFile = mkOption { type = types.nullOr (types.strMatching "/.+"); default = null; example = "/etc/ssl/certs/home-ca.pem"; description = "The authority that signed its certificate, where the system does not know it. It is public."; };
      serverName = mkOption { type = types.nullOr types.nonEmptyStr; default = null; description = "The name in the certificate, where it is not that of the target."; };
      shortLived = mkOption { type = types.bool; default = false; description = "Whether its certificate lives for less than three weeks, as that of step-ca itself does (a day): it is then late six hours before its end, and not a week."; };
      interval = mkOption {
        type = types.strMatching "(1[5-9]|[2-9][0-9]|1[01][0-9]|120)s|[12]m";
        default = "60s";
        description = "How often it is tried: every 15 seconds to two minutes. A try may take so long, and Prometheus forgets what is five minutes old, alerts that are about to fire with it.";
      };
    };
  };
  wrong = lib.filterAttrs (_: p: p.kind == "dns" && p.query == null || (p.kind == "http") != lib.hasPrefix "http" p.target) cfg.probes;
in
{
  imports = [ ./alerts.nix ];

  options.watchstander.blackbox = {
    enable = mkEnableOption "probes of endpoints by blackbox_exporter, on 127.0.0.1";
    port = mkOption { type = types.port; default = 9115; description = "The port, on 127.0.0.1 alone."; };
    probes = mkOption {
      type = types.attrsOf probe;
      default = { };
      example = { web.target = "https://vulcan.lan/"; database = { kind = "tcp"; target = "127.0.0.1:5432"; }; };
      description = "What is tried, by the name that alerts, dashboards and service levels have for it.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = wrong == { };
      message = "watchstander.blackbox.probes: ${lib.concatStringsSep ", " (lib.attrNames wrong)} has a target that is not of its kind (http wants an address of the web, the others host and port), or is a question to a name server without `query`.";
    }];
    watchstander.alerts.files.blackbox = ../alerts/blackbox.yaml;

    services.prometheus.exporters.blackbox = {
      enable = true;
      listenAddress = "127.0.0.1";
      inherit (cfg) port;
      configFile = yaml.generate "blackbox.yml" { modules = lib.mapAttrs (_: module) cfg.probes; };
    };
    services.prometheus.scrapeConfigs = lib.mapAttrsToList
      (name: p: {
        job_name = "probe-${name}";
        metrics_path = "/probe";
        scrape_interval = p.interval;
        scrape_timeout = "15s";
        params.module = [ name ];
        static_configs = [{
          targets = [ p.target ];
          labels = { probe = name; inherit instance; } // lib.optionalAttrs p.shortLived { certificate = "short"; };
        }];
        relabel_configs = [
          { source_labels = [ "__address__" ]; target_label = "__param_target"; }
          { source_labels = [ "__param_target" ]; target_label = "target"; }
          { target_label = "__address__"; replacement = "127.0.0.1:${toString cfg.port}"; }
        ];
      })
      cfg.probes;
  };
}
