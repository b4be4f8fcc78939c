# watchstander.textfile: where our units leave figures for node_exporter's textfile collector.
# What writes there is root's, and without capabilities; the directory is everybody's to read.
{ config, lib, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.textfile;
in
{
  options.watchstander.textfile = {
    enable = mkEnableOption "the directory for figures; the modules that write there switch it on";
    directory = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/node-exporter-textfile";
      description = ''
        The directory. `services.prometheus.exporters.node`, where it is enabled, is told to read it.
      '';
    };
  };

  config = mkIf cfg.enable {
    systemd.tmpfiles.rules = [ "d ${cfg.directory} 0755 root root -" ];
    # Also for a node_exporter that nobody enabled by watchstander.exporters.
    services.prometheus.exporters.node = {
      enabledCollectors = [ "textfile" ];
      extraFlags = [ "--collector.textfile.directory=${cfg.directory}" ];
    };
  };
}
