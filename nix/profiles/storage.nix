# Storage: ZFS within bounds and watched, backups that are told to the agent, the databases with
# their dumps, and the internal authority. Which pools, repositories and names there are is the
# host's to say: without that the assertions say what is missing.
{
  imports = [ ../modules/zfs.nix ../modules/backup.nix ../modules/postgresql.nix ../modules/stepca.nix ../modules/readings.nix ];

  watchstander = {
    zfs.enable = true;
    backup.enable = true;
    postgresql.enable = true;
    stepCa.enable = true;
    # What is measured of all these, for rules.
    readings.enable = true;
  };
}
