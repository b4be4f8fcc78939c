# services.prometheus, as far as the modules define it, with NixOS' types and defaults.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  bool = default: mkOption { type = types.bool; inherit default; };
  str = default: mkOption { type = types.str; inherit default; };
  strs = mkOption { type = types.listOf types.str; default = [ ]; };
  nullOr = type: mkOption { type = types.nullOr type; default = null; };
  port = default: mkOption { type = types.port; inherit default; };
  submodule = options: types.submodule { inherit options; };

  static = submodule { targets = strs; labels = mkOption { type = types.attrsOf types.str; default = { }; }; };
  statics = mkOption { type = types.listOf static; default = [ ]; };
  relabel = submodule {
    source_labels = nullOr (types.listOf types.str);
    separator = nullOr types.str;
    target_label = nullOr types.str;
    regex = nullOr types.str;
    replacement = nullOr types.str;
    action = nullOr (types.enum [ "replace" "lowercase" "uppercase" "keep" "drop" "hashmod" "labelmap" "labeldrop" "labelkeep" ]);
  };
  scrape = submodule {
    job_name = mkOption { type = types.str; };
    scrape_interval = nullOr types.str;
    scrape_timeout = nullOr types.str;
    metrics_path = nullOr types.str;
    scheme = nullOr (types.enum [ "http" "https" ]);
    honor_labels = nullOr types.bool;
    params = nullOr (types.attrsOf (types.listOf types.str));
    static_configs = statics;
    relabel_configs = mkOption { type = types.nullOr (types.listOf relabel); default = null; };
    metric_relabel_configs = mkOption { type = types.nullOr (types.listOf relabel); default = null; };
  };

  # The defaults are NixOS' own: every address.
  exporter = number: more: mkOption {
    default = { };
    type = submodule ({
      enable = bool false;
      port = port number;
      listenAddress = str "0.0.0.0";
      openFirewall = bool false;
      firewallFilter = nullOr types.str;
      extraFlags = strs;
    } // more);
  };
in
{
  options.services.prometheus = {
    enable = bool false;
    port = port 9090;
    listenAddress = str "0.0.0.0";
    stateDir = str "prometheus2";
    retentionTime = nullOr types.str;
    webExternalUrl = nullOr types.str;
    checkConfig = mkOption { type = types.either types.bool (types.enum [ "syntax-only" ]); default = true; };
    enableReload = bool false;
    extraFlags = strs;
    globalConfig = mkOption {
      default = { };
      type = submodule {
        scrape_interval = nullOr types.str;
        scrape_timeout = nullOr types.str;
        evaluation_interval = nullOr types.str;
        external_labels = nullOr (types.attrsOf types.str);
      };
    };
    scrapeConfigs = mkOption { type = types.listOf scrape; default = [ ]; };
    rules = strs;
    ruleFiles = mkOption { type = types.listOf types.path; default = [ ]; };
    alertmanagers = mkOption { type = types.listOf (submodule { scheme = nullOr types.str; path_prefix = nullOr types.str; static_configs = statics; }); default = [ ]; };

    alertmanager = {
      enable = bool false;
      port = port 9093;
      listenAddress = str "";
      openFirewall = bool false;
      webExternalUrl = nullOr types.str;
      checkConfig = bool true;
      configuration = nullOr types.attrs;
      configText = nullOr types.lines;
      environmentFile = nullOr types.path;
      extraFlags = strs;
    };

    exporters = {
      node = exporter 9100 { enabledCollectors = strs; disabledCollectors = strs; };
      postgres = exporter 9187 {
        dataSourceName = str "user=postgres database=postgres host=/run/postgresql sslmode=disable";
        runAsLocalSuperUser = bool false;
        environmentFile = nullOr types.path;
        telemetryPath = str "/metrics";
      };
      systemd = exporter 9558 { };
      zfs = exporter 9134 { pools = mkOption { type = types.nullOr (types.listOf types.str); default = [ ]; }; telemetryPath = str "/metrics"; };
      smartctl = exporter 9633 { devices = strs; maxInterval = str "60s"; };
      blackbox = exporter 9115 { configFile = mkOption { type = types.path; }; enableConfigCheck = bool true; };
    };
  };
}
