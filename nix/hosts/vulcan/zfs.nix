# vulcan's pools: rpool on SSDs for the system, tank on disks for data.
{
  # Of the machine itself: `head -c 8 /etc/machine-id`. Another one, and the pools are not
  # imported. Not the installer's 8425e349, with which every rescue medium would be this host.
  networking.hostId = "6fd01b4e";
  watchstander.zfs = {
    pools = [ "rpool" "tank" ];
    # The plan's: half of the memory at most, and 4 GiB at least.
    memory = 64 * 1024;
    arc = { min = 4 * 1024; max = 32 * 1024; };
    snapshots = {
      templates = {
        system = { hourly = 24; daily = 7; monthly = 1; };
        data = { hourly = 24; daily = 30; monthly = 6; yearly = 1; };
      };
      datasets = { "rpool/home" = "data"; "rpool/var" = "system"; "tank/data" = "data"; "tank/archive" = "data"; };
    };
    # It is compared and never applied (docs/host/storage.md).
    compression.datasets."tank/archive" = "zstd";
  };
}
