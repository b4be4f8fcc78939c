# Everything that watches a host: Prometheus with exporters for the machine and its units,
# Alertmanager, probes and forecasts. What only some hosts have (PostgreSQL, ZFS, SMART) and
# what only they can say (who is told, what is promised) is theirs to add: the assertions of
# watchstander.alertmanager name what is missing.
{ lib, ... }:
{
  imports = [ ../modules ];

  watchstander = {
    prometheus.enable = lib.mkDefault true;
    exporters.node.enable = lib.mkDefault true;
    exporters.systemd.enable = lib.mkDefault true;
    alertmanager.enable = lib.mkDefault true;
    blackbox.enable = lib.mkDefault true;
    capacity.enable = lib.mkDefault true;
  };
}
