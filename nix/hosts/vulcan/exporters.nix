# What measures this host.
{
  watchstander.exporters = {
    node.enable = true;
    postgres.enable = true;
    systemd.enable = true;
    zfs = { enable = true; pools = [ "rpool" "tank" ]; };
    smartctl.enable = true;
  };
}
