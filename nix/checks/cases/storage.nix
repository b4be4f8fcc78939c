# profiles/storage.nix: all of it is on, and what it lacks is told.
{ lib, evaluate, tells, ... }:
let
  on = evaluate [ ../../profiles/storage.nix { watchstander = { alerts.runbooks = "https://git.example.org/runbooks"; zfs.memory = 65536; stepCa = { names = [ "ca" ]; passwordFile = "/run/secrets/ca"; email = "ops@example.org"; }; }; } ];
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "all of it is on" = on.services.zfs.autoScrub.enable && on.services.postgresql.enable && on.services.step-ca.enable;
    "what is missing is told" = lib.all (words: tells words on) [ "zfs.pools is empty" "networking.hostId" "repositories is empty" "datasets is empty" "nobody who measures" ];
    # The plan's figures.
    "vulcan's cache has 4 to 32 of 64 GiB" = vulcan.boot.extraModprobeConfig == "options zfs zfs_arc_max=${toString (32 * 1024 * 1024 * 1024)} zfs_arc_min=${toString (4 * 1024 * 1024 * 1024)}";
    "its backups go to B2, and to a disk beside it" = lib.attrNames vulcan.services.restic.backups == [ "b2" "local" ] && vulcan.watchstander.backup.repositories.b2.offsite;
    "its dumps are backed up" = lib.any (d: lib.elem "/var/backup/postgresql" d.paths) (lib.attrValues vulcan.watchstander.backup.datasets);
    "its containers' volumes are, too" = lib.all (p: !(lib.hasPrefix p "/var/lib/containers/storage/volumes/wallabag-images")) vulcan.watchstander.backup.exclude;
    "PostgreSQL listens at localhost and in the VPN" = vulcan.services.postgresql.settings.listen_addresses == "localhost,10.100.0.1";
    "step-ca in the VPN" = vulcan.services.step-ca.address == "10.100.0.1" && vulcan.services.step-ca.port == 8443;
    "lz4 in general, zstd for archives" = vulcan.watchstander.zfs.compression.default == "lz4" && vulcan.watchstander.zfs.compression.datasets == { "tank/archive" = "zstd"; };
  };
}
