# watchstander.capacity: alerts on what will run out, while there is time to do something.
{ config, lib, ... }:
let cfg = config.watchstander.capacity; in
{
  imports = [ ./alerts.nix ];

  options.watchstander.capacity.enable = lib.mkEnableOption ''
    forecasts of file systems, pools, memory, databases and connections. Each needs a floor, a trend
    and an hour, so that none cries wolf. It needs Prometheus with the exporters for node, zfs and
    postgres; a rule whose exporter is missing never fires'';

  config = lib.mkIf cfg.enable { watchstander.alerts.files.capacity = ../alerts/capacity.yaml; };
}
