# vulcan's backups: Backblaze B2, and a disk of its own beside it.
{
  watchstander.backup = {
    repositories = {
      b2 = {
        # b2:BUCKET:vulcan. The key may list, read and write this bucket, and nothing else.
        repositoryFile = "/run/secrets/restic-b2-location";
        environmentFile = "/run/secrets/restic-b2-environment";
        passwordFile = "/run/secrets/restic-b2";
        medium = "backblaze";
        offsite = true;
        startAt = "02:30";
        limitDownload = "8MiB";
      };
      local = {
        repository = "/backup/restic";
        mount = "/backup";
        passwordFile = "/run/secrets/restic-local";
        medium = "backup-disk";
        startAt = "05:00";
      };
    };
    datasets = {
      home = { paths = [ "/home" ]; medium = "rpool"; };
      system = { paths = [ "/etc/nixos" "/var/lib" ]; medium = "rpool"; };
      databases = { paths = [ "/var/backup/postgresql" ]; medium = "rpool"; };
      data = { paths = [ "/tank/data" "/tank/archive" ]; medium = "tank"; };
    };
    # A running database's files are worth nothing in a backup; its dumps are. Figures, caches
    # and images come back by themselves; the containers' volumes do not, and stay in.
    exclude = [
      "/home/*/.cache"
      "/var/lib/postgresql"
      "/var/lib/containers/storage/overlay*"
      "/var/lib/prometheus2"
      "/var/lib/loki"
    ];
    scratch = "/scratch";
    # Read-only, bounded, and done only while the repository is due: without it the drill waits
    # for somebody to remember it.
    unattended = { enable = true; expires = "2027-07-01"; };
  };
  # What people may ask for at any other time.
  services.watchstander.agent = {
    operations = { "backup.run" = true; "backup.verify" = true; };
    settings.policy = [{
      name = "look-after-backups";
      operations = [ "backup.*" ];
      risk = "low";
      requesters = [ "operator" ];
      approvers = { roles = [ "operator" ]; requester_counts = true; };
    }];
  };
}
