# Storage: ZFS within bounds and watched, backups that are told to the agent, the databases with
# their dumps, and the internal authority. Which pools, repositories and names there are is the
# host's to say: without that the assertions say what is missing.
{ lib, ... }:
{
  imports = [ ../modules ];

  watchstander = {
    zfs.enable = lib.mkDefault true;
    backup.enable = lib.mkDefault true;
    postgresql.enable = lib.mkDefault true;
    stepCa.enable = lib.mkDefault true;
    # What is measured of all these, for rules.
    readings.enable = lib.mkDefault true;
  };
}
