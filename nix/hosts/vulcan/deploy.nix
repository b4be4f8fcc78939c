# What is looked at before vulcan is switched, and where it is tried.
{
  watchstander.deploy = {
    enable = true;
    # With the one that is switched to: the three that the plan wants kept.
    wayBack = 2;
    pools = [ "rpool" "tank" ];
    free = { "/boot" = 128; "/nix" = 8192; };
    busyUnits = [ "postgresqlBackup.service" "restic-backups-b2.service" "restic-backups-local.service" ];
    build.enable = true;
    staging = {
      enable = true;
      memorySize = 8192;
      cores = 4;
      secrets = [ "/run/secrets/grafana/secret-key" "/run/secrets/grafana/admin-password" ];
    };
  };
  watchstander.vulnerabilities.enable = true;
  watchstander.updates = {
    enable = true;
    # After the night's dumps and backups, which are over by half past six.
    startAt = "Mon 07:00";
    # What a VM has not: the pools, their disks, and the authority's keys and address.
    ignoreFailed = [ "smartd.service" "zfs-import-tank.service" "step-ca.service" ];
  };
}
