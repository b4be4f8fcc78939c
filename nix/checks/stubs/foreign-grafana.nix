# Prometheus' targets.
{ lib, ... }: {
  options.services.prometheus.scrapeConfigs = lib.mkOption { type = lib.types.listOf (lib.types.attrsOf lib.types.anything); default = [ ]; };
}
